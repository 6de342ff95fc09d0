import assert from "node:assert/strict";
import { test } from "node:test";
import { concatBytes, seededRandom, toHex, uniform, utf8 } from "@holdfast/base";
import type { DigestAlgorithm, Hashing } from "@holdfast/ports";
import { simulatedHashing } from "@holdfast/ports/simulated";

/** Of "123456789": RFC 1321 and FIPS 180 by any implementation, the CRC catalogue's check values, S3's CRC64NVME. */
const checkValues: Readonly<Record<DigestAlgorithm, string>> = {
  md5: "25f9e794323b453885f5181f1b624d0b",
  sha1: "f7c3bc1d808e04732adf679965ccc34ca7ae3441",
  sha256: "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
  crc32: "cbf43926",
  crc32c: "e3069283",
  crc64nvme: "ae8b14860a799888",
};
const emptyValues: Readonly<Record<DigestAlgorithm, string>> = {
  md5: "d41d8cd98f00b204e9800998ecf8427e",
  sha1: "da39a3ee5e6b4b0d3255bfef95601890afd80709",
  sha256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  crc32: "00000000",
  crc32c: "00000000",
  crc64nvme: "0000000000000000",
};
const algorithms: readonly DigestAlgorithm[] = ["md5", "sha1", "sha256", "crc32", "crc32c", "crc64nvme"];

/** Every promise of the Hashing port; equal to the plain code, whatever the implementation. */
export function hashingContract(name: string, hashing: Hashing): void {
  test(`${name}: digests have their published values`, () => {
    for (const algorithm of algorithms) {
      assert.equal(toHex(hashing.hash(algorithm, utf8("123456789"))), checkValues[algorithm]);
      assert.equal(toHex(hashing.hash(algorithm, new Uint8Array(0))), emptyValues[algorithm]);
      assert.equal(toHex(hashing.digest(algorithm).finish()), emptyValues[algorithm]);
    }
  });

  test(`${name}: crc32 goes on from its seed`, () => {
    assert.equal(hashing.crc32(utf8("123456789")), 0xcbf4_3926);
    assert.equal(hashing.crc32(utf8("56789"), hashing.crc32(utf8("1234"), 0)), 0xcbf4_3926);
  });

  test(`${name}: in one go, step by step and in bulk are equal, and equal to the plain code`, async () => {
    const random = seededRandom(4);
    for (const algorithm of algorithms) {
      for (const length of [1, 55, 56, 63, 64, 65, 119, 120, 1000, 10_007]) {
        const data = random.bytes(length);
        const cut = uniform(random, length + 1);
        const digest = hashing.digest(algorithm);
        const bulk = hashing.bulkDigest(algorithm);
        for (const part of [data.subarray(0, cut), data.subarray(cut)]) {
          digest.update(part);
          await bulk.update(part);
        }
        const expected = simulatedHashing.hash(algorithm, data);
        assert.deepEqual(hashing.hash(algorithm, data), expected);
        assert.deepEqual(digest.finish(), expected);
        assert.deepEqual(await bulk.finish(), expected);
        assert.equal(Object.getPrototypeOf(hashing.hash(algorithm, data)), Uint8Array.prototype);
      }
    }
  });

  test(`${name}: bulk updates are taken in the order of the calls, and their buffers are free afterwards`, async () => {
    const random = seededRandom(5);
    const parts = Array.from({ length: 12 }, () => random.bytes(1 + uniform(random, 150_000)));
    const whole = concatBytes(parts);
    for (const algorithm of ["md5", "crc64nvme", "crc32"] as const) {
      const expected = simulatedHashing.hash(algorithm, whole);
      const waiting = hashing.bulkDigest(algorithm);
      const notWaiting = hashing.bulkDigest(algorithm);
      const updates = parts.map((part) => notWaiting.update(part));
      const finished = notWaiting.finish();
      for (const part of parts) {
        const buffer = part.slice();
        await waiting.update(buffer);
        buffer.fill(0);
      }
      await Promise.all(updates);
      assert.deepEqual(await finished, expected);
      assert.deepEqual(await waiting.finish(), expected);
    }
  });

  test(`${name}: a bulk digest given up does not disturb others`, async () => {
    const data = seededRandom(6).bytes(700_000);
    const given = hashing.bulkDigest("sha256");
    await given.update(data);
    const kept = hashing.bulkDigest("sha256");
    await kept.update(data);
    given.cancel();
    given.cancel();
    assert.deepEqual(await kept.finish(), hashing.hash("sha256", data));
  });
}
