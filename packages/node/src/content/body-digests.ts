/** The digests of one body on its way in: always CRC-32 and MD5 (the ETag), others as asked for. */

import { equalBytes, StoreError } from "@holdfast/base";
import type { ChecksumAlgorithm, FileChecksum } from "@holdfast/namespace";
import type { BulkDigest, DigestAlgorithm, Hashing } from "@holdfast/ports";
import type { IncomingBody } from "../files/interface.ts";

export interface ReceivedBody {
  readonly bytes: number;
  readonly crc32: number;
  readonly md5: Uint8Array;
  /** In the algorithm that the request asked to have kept. */
  readonly checksum: FileChecksum | undefined;
}

/** Digests of the whole body by algorithm; refuses those that differ from what the client expects. */
export function judgeDigests(
  body: IncomingBody,
  received: { readonly bytes: number; readonly crc32: number },
  digests: ReadonlyMap<DigestAlgorithm, Uint8Array>,
): ReceivedBody {
  for (const expected of body.expectedDigests()) {
    const found = digests.get(expected.algorithm);
    if (found !== undefined && equalBytes(found, expected.value)) continue;
    throw new StoreError(
      "ChecksumMismatch",
      `The body's ${expected.algorithm} differs from the one sent with it: it was damaged on the way. Send it again.`,
      { fields: { algorithm: expected.algorithm } },
    );
  }
  const md5 = digests.get("md5") ?? new Uint8Array(0);
  return { ...received, md5, checksum: keptChecksum(body.checksumAlgorithm, digests) };
}

function keptChecksum(
  algorithm: ChecksumAlgorithm | undefined,
  digests: ReadonlyMap<DigestAlgorithm, Uint8Array>,
): FileChecksum | undefined {
  const value = algorithm === undefined ? undefined : digests.get(algorithm);
  return algorithm === undefined || value === undefined ? undefined : { algorithm, scope: "full", value };
}

/** What must be computed for this body besides CRC-32, which every block has anyway. */
function algorithmsOf(body: IncomingBody): readonly DigestAlgorithm[] {
  const wanted: DigestAlgorithm[] = ["md5"];
  const add = (algorithm: DigestAlgorithm): void => {
    if (algorithm !== "crc32" && !wanted.includes(algorithm)) wanted.push(algorithm);
  };
  body.verify?.forEach(add);
  if (body.checksumAlgorithm !== undefined) add(body.checksumAlgorithm);
  return wanted;
}

export function digestsAtOnce(hashing: Hashing, body: IncomingBody, whole: Uint8Array): ReceivedBody {
  const crc32 = hashing.crc32(whole);
  const digests = new Map<DigestAlgorithm, Uint8Array>([["crc32", bigEndian(crc32)]]);
  for (const algorithm of algorithmsOf(body)) digests.set(algorithm, hashing.hash(algorithm, whole));
  return judgeDigests(body, { bytes: whole.length, crc32 }, digests);
}

/** The same step by step, off the event loop where the host can. */
export class StreamedDigests {
  readonly #running = new Map<DigestAlgorithm, BulkDigest>();

  constructor(hashing: Hashing, body: IncomingBody) {
    for (const algorithm of algorithmsOf(body)) this.#running.set(algorithm, hashing.bulkDigest(algorithm));
  }

  async update(block: Uint8Array): Promise<void> {
    await Promise.all([...this.#running.values()].map((digest) => digest.update(block)));
  }

  async finish(crc32: number): Promise<ReadonlyMap<DigestAlgorithm, Uint8Array>> {
    const digests = new Map<DigestAlgorithm, Uint8Array>([["crc32", bigEndian(crc32)]]);
    for (const [algorithm, digest] of this.#running) digests.set(algorithm, await digest.finish());
    return digests;
  }

  cancel(): void {
    for (const digest of this.#running.values()) digest.cancel();
  }
}

export function bigEndian(crc32: number): Uint8Array {
  return Uint8Array.of(crc32 >>> 24, (crc32 >>> 16) & 0xff, (crc32 >>> 8) & 0xff, crc32 & 0xff);
}
