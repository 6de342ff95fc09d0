/**
 * What the hosts of two nodes say to each other, in frames: one frame holds what all groups have for that node. A frame with
 * no items is a sign of life.
 *
 *   version (1) | incarnation of the sender's log | run | items to the end
 *
 * Read whole or not at all: of a frame that is damaged nothing counts.
 */

import type { Ballot, Codec, GroupId, LogIndex } from "@holdfast/base";
import {
  ByteReader,
  ByteWriter,
  branded,
  byteView,
  integer,
  record,
  text,
  UnsupportedVersionError,
  union,
  variant,
} from "@holdfast/base";
import type { ReplicaId } from "@holdfast/consensus";

/** A message of a group's protocol. */
export interface MessageItem {
  readonly kind: "Message";
  readonly group: GroupId;
  readonly message: Uint8Array;
}

/** The leader of this ballot says nothing more until something happens: do not miss it (resting.ts). */
export interface RestItem {
  readonly kind: "Rest";
  readonly group: GroupId;
  readonly from: ReplicaId;
  readonly to: ReplicaId;
  readonly ballot: Ballot;
  /** Everything is committed up to here, and that is all there is. */
  readonly index: LogIndex;
}

/** Something happens, or the sender serves this group no longer: count the time again. */
export interface WakeItem {
  readonly kind: "Wake";
  readonly group: GroupId;
}

export type FrameItem = MessageItem | RestItem | WakeItem;

/** Who sends: its log's life, and its process' own. */
export interface FrameHead {
  readonly incarnation: string;
  /** Drawn by each process: another one means that the node has started anew. */
  readonly run: number;
}

export interface Frame extends FrameHead {
  readonly items: readonly FrameItem[];
}

const version = 1;
const group = branded<GroupId>();
const replica = branded<ReplicaId>();

const itemCodec: Codec<FrameItem> = union({
  Message: variant(1, record({ group, message: byteView })),
  Rest: variant(
    2,
    record({ group, from: replica, to: replica, ballot: branded<Ballot>(), index: branded<LogIndex>() }),
  ),
  Wake: variant(3, record({ group })),
});

export class FrameWriter {
  readonly #writer: ByteWriter;

  /** `writer`: the frame's until it is finished, and empty again afterwards. */
  constructor({ incarnation, run }: FrameHead, writer: ByteWriter = new ByteWriter(256)) {
    this.#writer = writer;
    this.#writer.u8(version);
    this.#writer.text(incarnation);
    this.#writer.varint(run);
  }

  get length(): number {
    return this.#writer.length;
  }

  /** A message is copied. */
  add(item: FrameItem): void {
    itemCodec.write(this.#writer, item);
  }

  finish(): Uint8Array {
    return this.#writer.take();
  }
}

/** Messages are views of the frame. Throws DecodeError, UnsupportedVersionError. */
export function decodeFrame(bytes: Uint8Array): Frame {
  const reader = new ByteReader(bytes);
  const found = reader.u8();
  if (found !== version)
    throw new UnsupportedVersionError(`frame version ${found}; this program knows ${version}`);
  const incarnation = text.read(reader);
  const run = integer.read(reader);
  const items: FrameItem[] = [];
  while (reader.remaining > 0) items.push(itemCodec.read(reader));
  return { incarnation, run, items };
}
