/** What clients and the register service say to each other, in frames over one connection; answers come in any order. */

import type { Codec } from "@holdfast/base";
import { integer, optional, record, text, union, variant, versioned } from "@holdfast/base";

export interface Request {
  /** Names the answer. */
  readonly id: number;
  readonly body: RequestBody;
}

export type RequestBody =
  | { readonly kind: "Read"; readonly key: string }
  /** For benchmarks: the leader proposes so many commands of this length by itself. */
  | { readonly kind: "Flood"; readonly count: number; readonly inflight: number; readonly bytes: number }
  /** Who leads? Always answered with `NotLeader`. */
  | { readonly kind: "Leader" }
  /** `expected` "" is absence; undefined: unconditional. */
  | {
      readonly kind: "Write";
      readonly key: string;
      readonly value: string;
      readonly expected: string | undefined;
    };

export interface Answer {
  readonly id: number;
  readonly body: AnswerBody;
}

export type AnswerBody =
  | { readonly kind: "Value"; readonly value: string | undefined }
  | { readonly kind: "Written" }
  /** Microseconds from the first proposal to the last result. */
  | { readonly kind: "Flooded"; readonly micros: number }
  /** The register holds something else than was expected. */
  | { readonly kind: "Unexpected" }
  /** Ask node number `leader`; undefined while nobody leads. Nothing was changed. */
  | { readonly kind: "NotLeader"; readonly leader: number | undefined }
  /** Nothing was changed. */
  | { readonly kind: "Unavailable" }
  /** It may take effect, or not. */
  | { readonly kind: "Unknown" };

const key = { key: text };

export const requestCodec: Codec<Request> = versioned(
  1,
  record({
    id: integer,
    body: union({
      Read: variant(1, record(key)),
      Write: variant(2, record({ ...key, value: text, expected: optional(text) })),
      Leader: variant(3, record({})),
      Flood: variant(4, record({ count: integer, inflight: integer, bytes: integer })),
    }),
  }),
);

export const answerCodec: Codec<Answer> = versioned(
  1,
  record({
    id: integer,
    body: union({
      Value: variant(1, record({ value: optional(text) })),
      Written: variant(2, record({})),
      Unexpected: variant(3, record({})),
      NotLeader: variant(4, record({ leader: optional(integer) })),
      Unavailable: variant(5, record({})),
      Unknown: variant(6, record({})),
      Flooded: variant(7, record({ micros: integer })),
    }),
  }),
);
