import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { attributesOf, metadataOf } from "./file-metadata.ts";

test("file metadata: permission bits and nanoseconds, in rclone's forms", () => {
  assert.deepEqual(metadataOf({ mode: 0o100_644n, mtimeNs: 1_700_000_000_123_456_789n }), {
    mode: "0644",
    mtime: "1700000000.123456789",
  });
  assert.equal(metadataOf({ mode: 0o100_600n, mtimeNs: -1_500_000_000n }).mtime, "-1.500000000");
});

test("file metadata: what is written is read back, to the microsecond", () => {
  fc.assert(
    fc.property(fc.bigInt(-(10n ** 18n), 4n * 10n ** 18n), fc.bigInt(0n, 0o7777n), (mtimeNs, mode) => {
      const read = attributesOf(metadataOf({ mode, mtimeNs }));
      assert.equal(read.mode, Number(mode) & 0o777);
      assert.ok(Math.abs((read.modifiedAtSeconds ?? 0) - Number(mtimeNs) / 1e9) < 1e-6);
    }),
  );
});

test("file metadata: set-user-id bits do not come back, and foreign forms are left alone", () => {
  assert.equal(attributesOf({ mode: "104755" }).mode, 0o755);
  assert.deepEqual(attributesOf({ mode: "rwx", mtime: "yesterday" }), {
    mode: undefined,
    modifiedAtSeconds: undefined,
  });
});
