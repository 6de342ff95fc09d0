/**
 * What nodes say to each other about commands of groups that another node leads, in frames that hold what came in one turn.
 *
 *   asks:    0x40 | the asker's run | (id, group, command) to the end
 *   answers: 0x41 | the asker's run | (id, what became of it) to the end
 *
 * A run is drawn by each process, so that the answer to an earlier one is not taken for its own.
 */

import type { Codec, ErrorCode, GroupId, LogIndex } from "@holdfast/base";
import {
  ByteReader,
  ByteWriter,
  boolean,
  branded,
  byteView,
  DecodeError,
  integer,
  isErrorCode,
  list,
  oneOf,
  record,
  StoreError,
  text,
  union,
  variant,
} from "@holdfast/base";

export const askByte = 0x40;
export const answerByte = 0x41;

export interface Ask {
  readonly id: number;
  readonly group: GroupId;
  readonly command: Uint8Array;
}

export type Fate =
  /** `result` is encoded as its group does. */
  | { readonly kind: "applied"; readonly index: LogIndex; readonly result: Uint8Array }
  | { readonly kind: "failed"; readonly error: WireError };

export interface Answer {
  readonly id: number;
  readonly fate: Fate;
}

export interface WireError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryable: boolean;
  readonly outcome: StoreError["outcome"];
  /** Of `fields`, those that are text or numbers. */
  readonly texts: readonly { readonly name: string; readonly value: string }[];
  readonly numbers: readonly { readonly name: string; readonly value: number }[];
}

const askCodec: Codec<Ask> = record({ id: integer, group: branded<GroupId>(), command: byteView });

const errorCodeCodec: Codec<ErrorCode> = {
  write: (writer, code) => text.write(writer, code),
  read: (reader) => {
    const code = text.read(reader);
    // A newer program may have codes that this one lacks; what they mean for the caller is said beside them.
    return isErrorCode(code) ? code : "Internal";
  },
};

const answerCodec: Codec<Answer> = record({
  id: integer,
  fate: union({
    applied: variant(1, record({ index: branded<LogIndex>(), result: byteView })),
    failed: variant(
      2,
      record({
        error: record({
          code: errorCodeCodec,
          message: text,
          retryable: boolean,
          outcome: oneOf(["not-applied", "applied", "unknown"] as const),
          texts: list(record({ name: text, value: text })),
          numbers: list(record({ name: text, value: integer })),
        }),
      }),
    ),
  }),
});

export function wireError({ code, message, retryable, outcome, fields }: StoreError): WireError {
  const texts: { name: string; value: string }[] = [];
  const numbers: { name: string; value: number }[] = [];
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === "string") texts.push({ name, value });
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) numbers.push({ name, value });
  }
  return { code, message, retryable, outcome, texts, numbers };
}

export function storeError({ code, message, retryable, outcome, texts, numbers }: WireError): StoreError {
  const fields = Object.fromEntries([...texts, ...numbers].map(({ name, value }) => [name, value]));
  return new StoreError(code, message, { retryable, outcome, fields });
}

/** Gathers the items of one frame. */
export class ProposalFrame<Item> {
  readonly #writer = new ByteWriter(512);
  readonly #codec: Codec<Item>;
  readonly items: Item[] = [];

  private constructor(codec: Codec<Item>, firstByte: number, run: number) {
    this.#codec = codec;
    this.#writer.u8(firstByte);
    this.#writer.varint(run);
  }

  static asks(run: number): ProposalFrame<Ask> {
    return new ProposalFrame(askCodec, askByte, run);
  }

  /** `run`: the asker's. */
  static answers(run: number): ProposalFrame<Answer> {
    return new ProposalFrame(answerCodec, answerByte, run);
  }

  get length(): number {
    return this.#writer.length;
  }

  add(item: Item): void {
    this.#codec.write(this.#writer, item);
    this.items.push(item);
  }

  finish(): Uint8Array {
    return this.#writer.finish();
  }
}

export type DecodedFrame =
  | { readonly kind: "asks"; readonly run: number; readonly items: readonly Ask[] }
  | { readonly kind: "answers"; readonly run: number; readonly items: readonly Answer[] };

/** Byte strings are views of the frame. Read whole or not at all: throws DecodeError. */
export function decodeProposalFrame(bytes: Uint8Array): DecodedFrame {
  const reader = new ByteReader(bytes);
  const kind = reader.u8();
  const run = reader.varint();
  switch (kind) {
    case askByte:
      return { kind: "asks", run, items: itemsOf(reader, askCodec) };
    case answerByte:
      return { kind: "answers", run, items: itemsOf(reader, answerCodec) };
    default:
      throw new DecodeError(`no frame about commands begins with ${kind}`);
  }
}

function itemsOf<Item>(reader: ByteReader, codec: Codec<Item>): readonly Item[] {
  const items: Item[] = [];
  while (reader.remaining > 0) items.push(codec.read(reader));
  return items;
}
