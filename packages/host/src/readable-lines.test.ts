import assert from "node:assert/strict";
import { test } from "node:test";
import { pinoJournal } from "./journal.ts";
import { readableLine } from "./readable-lines.ts";

test("readable lines: time, level, event and the fields, quoted where they are not one word", () => {
  const lines: string[] = [];
  const journal = pinoJournal({ format: "text", destination: { write: (line) => void lines.push(line) } });
  journal.with({ gateway: "s3" }).warn("request", { key: "a b", status: 503, empty: "", gone: undefined });
  assert.equal(lines.length, 1);
  assert.match(
    lines[0] ?? "",
    /^\d\d:\d\d:\d\d\.\d{3} WARN {2}request gateway=s3 key="a b" status=503 empty=""\n$/,
  );
});

test("readable lines: what would move a terminal's cursor is escaped, in names and values", () => {
  const nasty = "\u001b[2J\n\u202e";
  const line = readableLine(
    JSON.stringify({ time: "", level: "info", event: nasty, key: nasty, word: "\u009b" }),
  );
  assert.equal(line.indexOf("\n"), line.length - 1);
  assert.doesNotMatch(line.slice(0, -1), /[\p{Cc}\u202e]/u);
});
