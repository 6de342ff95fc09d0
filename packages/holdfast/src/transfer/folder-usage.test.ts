import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FolderUsage } from "./folder-usage.ts";
import { compareKeys } from "./key-order.ts";

test("folder usage: every folder down to the depth has the sum of what lies below it, once, before what holds it", () => {
  const name = fc
    .array(fc.constantFrom("a", "b", "a-b", ""), { minLength: 1, maxLength: 4 })
    .map((parts) => `${parts.join("/")}f`);
  fc.assert(
    fc.property(fc.uniqueArray(name), fc.integer({ min: 0, max: 3 }), (names, depth) => {
      names.sort(compareKeys);
      const usage = new FolderUsage(depth);
      const rows = names.flatMap((each) => usage.add(each, each.length)).concat(usage.end());
      const expected = new Map([["", { bytes: 0, files: 0 }]]);
      for (const each of names) {
        const parts = each.split("/").slice(0, -1).slice(0, depth);
        const folders = ["", ...parts.map((_, i) => `${parts.slice(0, i + 1).join("/")}/`)];
        for (const folder of folders) {
          const sum = expected.get(folder) ?? { bytes: 0, files: 0 };
          expected.set(folder, { bytes: sum.bytes + each.length, files: sum.files + 1 });
        }
      }
      assert.equal(rows.length, expected.size);
      for (const { folder, bytes, files } of rows)
        assert.deepEqual({ bytes, files }, expected.get(folder), folder);
      assert.equal(rows.at(-1)?.folder, "");
    }),
  );
});
