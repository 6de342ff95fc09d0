/** Hashing in plain code, the same on every machine; slow, and proven against the host's. */

import { assert, Crc64Nvme, crc32 } from "@holdfast/base";
import type { BulkDigest, Digest, DigestAlgorithm, Hashing } from "../hashing.ts";
import { Md5 } from "./md5.ts";
import { Sha1 } from "./sha1.ts";
import { Sha256 } from "./sha256.ts";

export const simulatedHashing: Hashing = {
  crc32,
  hash: (algorithm, data) => {
    const digest = begin(algorithm);
    digest.update(data);
    return digest.finish();
  },
  digest: (algorithm) => new OnceDigest(begin(algorithm)),
  bulkDigest,
};

function begin(algorithm: DigestAlgorithm): Digest {
  switch (algorithm) {
    case "md5":
      return new Md5();
    case "sha1":
      return new Sha1();
    case "sha256":
      return new Sha256();
    case "crc32":
      return new CrcDigest(crc32);
    case "crc32c":
      return new CrcDigest(crc32c);
    case "crc64nvme":
      return new Crc64Nvme();
  }
}

function bulkDigest(algorithm: DigestAlgorithm): BulkDigest {
  const digest = new OnceDigest(begin(algorithm));
  let cancelled = false;
  return {
    update: async (data) => {
      assert(!cancelled, "digest was cancelled");
      digest.update(data);
    },
    finish: async () => {
      assert(!cancelled, "digest was cancelled");
      return digest.finish();
    },
    cancel: () => {
      cancelled = true;
    },
  };
}

/** Asserts that nothing comes after `finish`. */
class OnceDigest implements Digest {
  readonly #digest: Digest;
  #finished = false;

  constructor(digest: Digest) {
    this.#digest = digest;
  }

  update(data: Uint8Array): void {
    assert(!this.#finished, "digest is finished");
    this.#digest.update(data);
  }

  finish(): Uint8Array {
    assert(!this.#finished, "digest is finished");
    this.#finished = true;
    return this.#digest.finish();
  }
}

class CrcDigest implements Digest {
  readonly #crcOf: (data: Uint8Array, seedCrc: number) => number;
  #crc = 0;

  constructor(crcOf: (data: Uint8Array, seedCrc: number) => number) {
    this.#crcOf = crcOf;
  }

  update(data: Uint8Array): void {
    this.#crc = this.#crcOf(data, this.#crc);
  }

  finish(): Uint8Array {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, this.#crc);
    return bytes;
  }
}

/** CRC-32C (Castagnoli, reflected 0x82F63B78). */
function crc32c(data: Uint8Array, seedCrc: number): number {
  let crc = ~seedCrc;
  for (const byte of data) crc = (castagnoli[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8);
  return ~crc >>> 0;
}

const castagnoli: Uint32Array = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? 0x82f6_3b78 ^ (crc >>> 1) : crc >>> 1;
  return crc;
});
