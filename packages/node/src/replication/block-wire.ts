/**
 * Heads of the exchanges between a node and another node's blocks. A put's body follows its request, a read's its answer.
 * Erasing is no request: each node asks the home shard for itself (S4).
 *
 * Reading a head takes memory in proportion to the head, and every number in it is bounded.
 */

import type { BlockId, Codec, Epoch } from "@holdfast/base";
import {
  blockIdFromKey,
  blockKey,
  blockKeyBytes,
  boolean,
  branded,
  limits,
  oneOf,
  optional,
  record,
  uint32,
  union,
  variant,
  versioned,
} from "@holdfast/base";
import { atMost, shortList } from "../network/bounded-codecs.ts";
import type { FragmentStat, RefusalReason, Standing } from "./slot-answer.ts";
import { refusalReasons } from "./slot-answer.ts";

/** Blocks in one question, and on one page of a list. */
export const blocksPerRequestMax = 1000;
const incarnationBytes = 16;

/** Under which layout the caller asks. */
interface UnderEpoch {
  readonly epoch: Epoch;
}

export interface PutRequest extends UnderEpoch {
  readonly kind: "put";
  readonly id: BlockId;
  /** Length and CRC-32 of the body. */
  readonly bytes: number;
  readonly checksum: number;
}

export interface ReadRequest extends UnderEpoch {
  readonly kind: "read";
  readonly id: BlockId;
}

export interface StatRequest extends UnderEpoch {
  readonly kind: "stat";
  readonly ids: readonly BlockId[];
}

/** All blocks behind `after`, in the order of their keys, so those of one content together. */
export interface ListRequest extends UnderEpoch {
  readonly kind: "list";
  readonly after: BlockId | undefined;
  readonly limit: number;
}

export type BlockRequest = PutRequest | ReadRequest | StatRequest | ListRequest;

export interface ListedBlock {
  readonly id: BlockId;
  readonly stat: FragmentStat;
}

export interface BlockPage {
  readonly blocks: readonly ListedBlock[];
  /** Nothing is stored behind the last one of these. */
  readonly isLast: boolean;
}

export type BlockResult =
  | { readonly kind: "stored" }
  | { readonly kind: "block"; readonly bytes: number; readonly checksum: number }
  /** In the order of the ids. */
  | { readonly kind: "stats"; readonly stats: readonly FragmentStat[] }
  | ({ readonly kind: "page" } & BlockPage)
  | { readonly kind: "refused"; readonly reason: RefusalReason };

export interface BlockAnswer {
  readonly standing: Standing;
  readonly result: BlockResult;
}

const idCodec: Codec<BlockId> = {
  write: (writer, id) => writer.raw(blockKey(id)),
  read: (reader) => blockIdFromKey(reader.raw(blockKeyBytes)),
};

const incarnationCodec: Codec<Uint8Array> = {
  write: (writer, bytes) => writer.raw(bytes),
  read: (reader) => new Uint8Array(reader.raw(incarnationBytes)),
};

const epochCodec = branded<Epoch>();
const bodyBytes = atMost(limits.blockBytesMax);
const pageLimit = atMost(blocksPerRequestMax);

const statCodec: Codec<FragmentStat> = record({
  state: oneOf(["absent", "whole", "damaged"] as const),
  bytes: bodyBytes,
  checksum: uint32,
});

/** Version 1. */
export const blockRequestCodec: Codec<BlockRequest> = versioned(
  1,
  union({
    put: variant(1, record({ id: idCodec, bytes: bodyBytes, checksum: uint32, epoch: epochCodec })),
    read: variant(2, record({ id: idCodec, epoch: epochCodec })),
    stat: variant(3, record({ ids: shortList(idCodec, blocksPerRequestMax), epoch: epochCodec })),
    list: variant(4, record({ after: optional(idCodec), limit: pageLimit, epoch: epochCodec })),
  }),
);

/** Version 1. */
export const blockAnswerCodec: Codec<BlockAnswer> = versioned(
  1,
  record({
    standing: record({ epoch: epochCodec, incarnation: incarnationCodec }),
    result: union({
      stored: variant(1, record({})),
      block: variant(2, record({ bytes: bodyBytes, checksum: uint32 })),
      stats: variant(3, record({ stats: shortList(statCodec, blocksPerRequestMax) })),
      page: variant(
        4,
        record({
          blocks: shortList(record({ id: idCodec, stat: statCodec }), blocksPerRequestMax),
          isLast: boolean,
        }),
      ),
      refused: variant(5, record({ reason: oneOf(refusalReasons) })),
    }),
  }),
);
