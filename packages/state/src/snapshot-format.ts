/**
 * A group's state as a stream of bytes, from replica to replica. It is a row of frames:
 *
 *   payload bytes(4)  checksum(4)  payload
 *
 * The checksum is a CRC-32 of the payload behind its length behind the frame before: frames that are damaged, missing,
 * swapped or of another stream do not fit together. Payloads, in this order:
 *
 *   head    version, group, index and ballot of the position, digest of the state. How many pairs follow is not known yet.
 *   pairs   0x01, then keys and values with their lengths, in key order: keys as the state machine knows them, values behind
 *           the checksums that they are stored with (S12), so that nothing between the two stores goes unchecked
 *   end     0x02, number of pairs
 *
 * The membership is not in the head: index and ballot name the log up to there, and so the membership; its bytes may
 * differ between versions of the program.
 */

import type { Ballot, Codec, GroupId, LogIndex } from "@holdfast/base";
import { branded, KiB, MiB, record, versioned } from "@holdfast/base";
import type { Hashing } from "@holdfast/ports";
import type { StateDigest } from "./digest.ts";
import { stateDigestCodec } from "./digest.ts";

export interface SnapshotStreamHead {
  readonly group: GroupId;
  readonly index: LogIndex;
  readonly ballot: Ballot;
  readonly digest: StateDigest;
}

export const snapshotStreamHeadCodec: Codec<SnapshotStreamHead> = versioned(
  1,
  record({
    group: branded<GroupId>(),
    index: branded<LogIndex>(),
    ballot: branded<Ballot>(),
    digest: stateDigestCodec,
  }),
);

export const pairsTag = 0x01;
export const endTag = 0x02;

/** A frame is closed with the pair that fills it. */
export const frameBytesAim: number = 64 * KiB;
/** No receiver holds more at once. A value, which a log entry made, is far from it. */
export const payloadBytesMax: number = 16 * MiB;

export const frameHeadBytes = 8;

/**
 * - `truncated`: it ends before its end
 * - `damaged`: bytes or pairs are not what the sender sent
 * - `foreign`: it is of another group or another position
 * - `newer`: a newer program made it
 */
export type StateSnapshotProblem = "truncated" | "damaged" | "foreign" | "newer";

/** The body makes no state: nothing of it counts. */
export class StateSnapshotError extends Error {
  override readonly name: string = "StateSnapshotError";
  readonly kind: StateSnapshotProblem;

  constructor(kind: StateSnapshotProblem, message: string, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
  }
}

export function frameChecksum(hashing: Hashing, before: number, payload: Uint8Array): number {
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, payload.length);
  return hashing.crc32(payload, hashing.crc32(length, before));
}
