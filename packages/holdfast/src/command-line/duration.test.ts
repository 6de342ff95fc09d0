import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDuration } from "./duration.ts";
import { UsageError } from "./failure.ts";

test("duration: a number and a unit, in milliseconds", () => {
  const read = ["250ms", "90s", "15m", "1h", " 7d "].map((text) => parseDuration(text, "--lifetime"));
  assert.deepEqual(read, [250, 90_000, 900_000, 3_600_000, 604_800_000]);
});

test("duration: anything else is wrong usage, and names the flag", () => {
  for (const text of ["", "1", "h", "1.5h", "-1h", "1 week", "9999999999s", "1H"])
    assert.throws(
      () => parseDuration(text, "--lifetime"),
      (error) => {
        return error instanceof UsageError && error.message.startsWith(`--lifetime: "${text}"`);
      },
    );
});
