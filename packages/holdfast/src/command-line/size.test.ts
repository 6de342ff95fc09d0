import assert from "node:assert/strict";
import { test } from "node:test";
import { UsageError } from "./failure.ts";
import { parseCount, parseSize } from "./size.ts";

test("size: units are powers of 1024, in any case, with or without iB", () => {
  for (const text of ["1048576", "1024k", "1MiB", "1mb", "1 M"])
    assert.equal(parseSize(text, "--x"), 1024 ** 2, text);
  for (const text of ["", "1.5M", "-1", "M", "1X", "9999999999T"])
    assert.throws(() => parseSize(text, "--x"), UsageError, text);
});

test("count: only whole numbers within the limits", () => {
  assert.equal(parseCount("16", "--parallel", 1, 256), 16);
  for (const text of ["0", "257", "1e2", "", " 1", "-1"])
    assert.throws(() => parseCount(text, "--parallel", 1, 256), UsageError, text);
});
