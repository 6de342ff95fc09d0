/**
 * Checksums and digests. `crc32` guards what is stored; the others serve protocols.
 * Digests of checksums are big-endian, as S3 sends them.
 */
export type DigestAlgorithm = "md5" | "sha1" | "sha256" | "crc32" | "crc32c" | "crc64nvme";

export interface Hashing {
  /** CRC-32 (IEEE) of the data behind `seedCrc`'s; start with 0. */
  crc32(data: Uint8Array, seedCrc?: number): number;
  /** In one go; for small data. */
  hash(algorithm: DigestAlgorithm, data: Uint8Array): Uint8Array;
  /** Step by step, on this thread. */
  digest(algorithm: DigestAlgorithm): Digest;
  /** Step by step for large bodies, off the event loop where the host can. */
  bulkDigest(algorithm: DigestAlgorithm): BulkDigest;
}

export interface Digest {
  update(data: Uint8Array): void;
  finish(): Uint8Array;
}

export interface BulkDigest {
  /** The caller leaves `data` unchanged until it resolves; calls are taken in order. */
  update(data: Uint8Array): Promise<void>;
  finish(): Promise<Uint8Array>;
  /** Gives up and frees what it holds. */
  cancel(): void;
}
