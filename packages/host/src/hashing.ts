/** The Hashing port over node:crypto and native CRCs; large bodies go to worker threads. */

import { hash } from "node:crypto";
import { assert, crc32 } from "@holdfast/base";
import type { BulkDigest, Digest, DigestAlgorithm, Hashing } from "@holdfast/ports";
import { crc32 as nativeCrc32 } from "@node-rs/crc32";
import { beginDigest } from "./digest.ts";
import { DigestPool } from "./digest-pool.ts";
import { WorkerDigest } from "./worker-digest.ts";

const pool = new DigestPool();

/** Up to here the call into native code costs more than the work: 100 ns against 1.5 ns a byte. */
const plainCrcBytesMax = 64;

export const nodeHashing: Hashing = {
  crc32: (data, seedCrc = 0) =>
    data.length <= plainCrcBytesMax ? crc32(data, seedCrc) : nativeCrc32(data, seedCrc),
  hash: hashInOneGo,
  digest: (algorithm) => new OnceDigest(beginDigest(algorithm)),
  bulkDigest: (algorithm) =>
    // A native CRC is faster than handing the bytes to another thread.
    algorithm === "crc32" || algorithm === "crc32c"
      ? new InlineBulkDigest(beginDigest(algorithm))
      : new WorkerDigest(algorithm, pool, beginDigest),
};

function hashInOneGo(algorithm: DigestAlgorithm, data: Uint8Array): Uint8Array {
  switch (algorithm) {
    case "md5":
    case "sha1":
    case "sha256":
      return bytesOfText(hash(algorithm, data, "binary"));
    case "crc32":
    case "crc32c":
    case "crc64nvme": {
      const digest = beginDigest(algorithm);
      digest.update(data);
      return digest.finish();
    }
  }
}

/** Digests come as text and are taken apart here: a Buffer for each, made by node, costs more than the hash of a short text. */
function bytesOfText(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
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

class InlineBulkDigest implements BulkDigest {
  readonly #digest: Digest;

  constructor(digest: Digest) {
    this.#digest = new OnceDigest(digest);
  }

  async update(data: Uint8Array): Promise<void> {
    this.#digest.update(data);
  }

  async finish(): Promise<Uint8Array> {
    return this.#digest.finish();
  }

  cancel(): void {
    // Nothing is held.
  }
}
