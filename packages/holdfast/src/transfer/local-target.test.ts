import assert from "node:assert/strict";
import { resolve, sep } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { localTarget } from "./local-target.ts";

test("local target: keys become paths below the folder", () => {
  assert.equal(localTarget("out", "a/b.txt"), ["out", "a", "b.txt"].join(sep));
  assert.equal(localTarget(".", "..a/b.."), ["..a", "b.."].join(sep));
});

test("local target: keys that would leave the folder, or meet another's path, are refused", () => {
  for (const key of [
    "../x",
    "a/../../x",
    "a/..",
    "..",
    "/etc/passwd",
    "a\0b",
    "a//b",
    "a/./b",
    "./a",
    "",
    "a/",
  ]) {
    assert.throws(() => localTarget("out", key), { code: "UnsafeKey" }, JSON.stringify(key));
  }
});

test("local target: whatever the key, the path lies below the folder, and different keys have different paths", () => {
  const segment = fc.constantFrom("a", "b", "..", ".", "", "...", "c\0", "~");
  const keys = fc.array(segment, { maxLength: 5 }).map((parts) => parts.join("/"));
  const taken = (key: string): string | undefined => {
    try {
      return resolve(localTarget("/out", key));
    } catch {
      return undefined;
    }
  };
  fc.assert(
    fc.property(keys, keys, (one, other) => {
      const path = taken(one);
      if (path === undefined) return;
      assert.ok(path.startsWith(resolve("/out") + sep), path);
      if (one !== other) assert.notEqual(path, taken(other));
    }),
  );
});
