import assert from "node:assert/strict";
import { test } from "node:test";
import { pinoJournal } from "./journal.ts";

function collect(level?: "debug" | "info" | "warn" | "error" | "silent") {
  const lines: Record<string, unknown>[] = [];
  const destination = {
    write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>),
  };
  return { lines, journal: pinoJournal(level === undefined ? { destination } : { level, destination }) };
}

test("a line is an object with its level, event and fields, and those of the journals above it", () => {
  const { lines, journal } = collect();
  journal.with({ node: 1, shard: 2 }).with({ shard: 3 }).warn("slow disk", { ms: 12.5, path: undefined });
  const [line] = lines;
  assert.equal(typeof line?.["time"], "string");
  assert.deepEqual(
    { ...line, time: 0 },
    { level: "warn", time: 0, node: 1, shard: 3, ms: 12.5, event: "slow disk" },
  );
});

test("lines below the level are not written", () => {
  for (const [level, expected] of [
    ["debug", 4],
    ["info", 3],
    ["warn", 2],
    ["error", 1],
    ["silent", 0],
  ] as const) {
    const { lines, journal } = collect(level);
    journal.debug("a");
    journal.info("a");
    journal.warn("a");
    journal.error("a");
    assert.equal(lines.length, expected, level);
  }
});

test("fields named like secrets lose their value, here and in journals made with them", () => {
  const { lines, journal } = collect();
  journal
    .with({ joinToken: "t0p" })
    .info("joined", { secretKey: "t0p", Authorization: "t0p", fencingToken: 7 });
  assert.ok(!JSON.stringify(lines).includes("t0p"));
  assert.equal(lines[0]?.["fencingToken"], 7);
  assert.equal(lines[0]?.["secretKey"], "[removed]");
});
