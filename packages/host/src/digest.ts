import { createHash } from "node:crypto";
import { Crc64Nvme } from "@holdfast/base";
import type { Digest, DigestAlgorithm } from "@holdfast/ports";
import { crc32, crc32c } from "@node-rs/crc32";

/** A digest on this thread, be it the main one or a worker. */
export function beginDigest(algorithm: DigestAlgorithm): Digest {
  switch (algorithm) {
    case "md5":
    case "sha1":
    case "sha256":
      return cryptoDigest(algorithm);
    case "crc32":
      return new CrcDigest((data, crc) => crc32(data, crc));
    case "crc32c":
      return new CrcDigest((data, crc) => crc32c(data, crc));
    case "crc64nvme":
      return new Crc64Nvme();
  }
}

function cryptoDigest(algorithm: "md5" | "sha1" | "sha256"): Digest {
  const state = createHash(algorithm);
  return {
    update: (data) => void state.update(data),
    finish: () => new Uint8Array(state.digest()),
  };
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
