import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { openOutput } from "./output.ts";

test("output: the line of progress is cut to the terminal's width, redrawn behind notes, and cleared", () => {
  const stderr = Object.assign(new PassThrough(), { isTTY: true, columns: 11 });
  const output = openOutput({ stdout: new PassThrough(), stderr }, false);
  output.status("0123456789abc");
  output.status("0123456789abc");
  output.note("a note");
  output.status("");
  const clear = "\r\u001b[K";
  assert.equal(String(stderr.read()), `${clear}0123456789${clear}a note\n0123456789${clear}`);
});
