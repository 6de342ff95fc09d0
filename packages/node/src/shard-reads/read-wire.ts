/**
 * Heads of the exchanges by which a node asks a shard's home on another node. A question is in the request's head; the answer is
 * in the answer's head, or behind it as a body when it is long.
 */

import type { Codec, ShardId } from "@holdfast/base";
import { branded, byteView, integer, MiB, record, union, variant, versioned } from "@holdfast/base";
import { atMost } from "../network/bounded-codecs.ts";
import type { WireError } from "../network/wire-error.ts";
import { wireErrorCodec } from "../network/wire-error.ts";

/** The largest is a content of ten thousand parts. */
export const answerBytesMax: number = 8 * MiB;
/** Longer answers are sent as a body. */
export const headAnswerBytesMax: number = MiB / 2;

export interface ReadRequest {
  readonly shard: ShardId;
  /** Of the question. */
  readonly tag: number;
  readonly asked: Uint8Array;
}

export type ReadAnswer =
  | { readonly kind: "answer"; readonly answer: Uint8Array }
  | { readonly kind: "long"; readonly bytes: number }
  | { readonly kind: "failed"; readonly error: WireError };

/** Version 1. */
export const readRequestCodec: Codec<ReadRequest> = versioned(
  1,
  record({ shard: branded<ShardId>(), tag: integer, asked: byteView }),
);

/** Version 1. */
export const readAnswerCodec: Codec<ReadAnswer> = versioned(
  1,
  union({
    answer: variant(1, record({ answer: byteView })),
    long: variant(2, record({ bytes: atMost(answerBytesMax) })),
    failed: variant(3, record({ error: wireErrorCodec })),
  }),
);
