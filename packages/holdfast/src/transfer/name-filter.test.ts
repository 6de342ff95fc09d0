import assert from "node:assert/strict";
import { test } from "node:test";
import { UsageError } from "../command-line/failure.ts";
import { nameFilter } from "./name-filter.ts";

test("name filter: the last pattern that fits decides, and without one everything is in", () => {
  const filter = nameFilter([
    { kind: "exclude", pattern: "*" },
    { kind: "include", pattern: "*.txt" },
    { kind: "exclude", pattern: "secret/*" },
  ]);
  assert.deepEqual(["a.txt", "deep/a.txt", "a.bin", "secret/a.txt"].map(filter), [true, true, false, false]);
  assert.equal(nameFilter([])("anything"), true);
});

test("name filter: stars, question marks and sets mean what they mean in a shell, all else itself", () => {
  const fits = (pattern: string, name: string): boolean => !nameFilter([{ kind: "exclude", pattern }])(name);
  assert.ok(fits("a?c", "abc") && fits("a?c", "a😀c") && !fits("a?c", "ac"));
  assert.ok(fits("[a-c]x", "bx") && !fits("[!a-c]x", "bx") && fits("[!a-c]x", "dx"));
  assert.ok(fits("a.(b)+|c$", "a.(b)+|c$") && !fits("a.b", "axb"));
  assert.ok(fits("***x", "aax") && fits("a[", "a["));
  assert.throws(() => nameFilter([{ kind: "include", pattern: "[z-a]" }]), UsageError);
});
