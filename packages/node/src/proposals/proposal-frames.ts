/**
 * What nodes say to each other about commands of groups that another node leads, in frames that hold what came in one turn.
 *
 *   asks:    0x40 | the asker's run | (id, group, command) to the end
 *   answers: 0x41 | the asker's run | (id, what became of it) to the end
 *
 * A run is drawn by each process, so that the answer to an earlier one is not taken for its own.
 */

import type { Codec, GroupId, LogIndex } from "@holdfast/base";
import {
  ByteReader,
  ByteWriter,
  branded,
  byteView,
  DecodeError,
  integer,
  record,
  union,
  variant,
} from "@holdfast/base";
import type { WireError } from "../network/wire-error.ts";
import { wireErrorCodec } from "../network/wire-error.ts";

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

const askCodec: Codec<Ask> = record({ id: integer, group: branded<GroupId>(), command: byteView });

const answerCodec: Codec<Answer> = record({
  id: integer,
  fate: union({
    applied: variant(1, record({ index: branded<LogIndex>(), result: byteView })),
    failed: variant(2, record({ error: wireErrorCodec })),
  }),
});

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
