/** Streams a range of a content: block after block, each verified against its checksum and identity before it leaves. */

import type { BlockId, ContentId } from "@holdfast/base";
import { assert, crc32Combine } from "@holdfast/base";
import type { Content, ContentPart } from "@holdfast/namespace";
import type { ResolvedRange } from "../files/interface.ts";
import type { ReadAhead } from "./read-ahead.ts";

/**
 * Blocks fetched ahead of the one being sent, while there is memory for it. With two, blocks lived so long that the garbage
 * collector took them for old, and marked the whole heap again and again: twice the CPU for each byte.
 */
const readAheadBlocks = 1;

export interface FetchedBlock {
  readonly body: Uint8Array;
  readonly crc32: number;
}

/** Fetches a block and verifies it; rejects when it is missing or damaged. */
export type FetchBlock = (id: BlockId) => Promise<FetchedBlock>;

export interface BlockSource {
  readonly fetch: FetchBlock;
  /** Takes the body of a block that nobody will read. */
  readonly recycle: (body: Uint8Array) => void;
  readonly readAhead: ReadAhead;
}

/** One block of the range: which, and what of it is wanted. */
interface Slice {
  readonly part: ContentPart;
  readonly sequence: number;
  /** Within the block. */
  readonly from: number;
  readonly to: number;
}

/** Exactly the range's bytes, in chunks that are the reader's to recycle; throws rather than ending short. `damaged` makes the error for a part whose checksum fails. */
export async function* readContent(
  content: Content,
  range: ResolvedRange,
  { fetch, recycle, readAhead }: BlockSource,
  damaged: (part: ContentPart) => Error,
): AsyncGenerator<Uint8Array, void, undefined> {
  const slices = slicesOf(content, range);
  const ahead: Ahead[] = [];
  const check = new PartCheck(damaged);
  let isDone = false;
  const fetchNext = (takenBytes: number): void => {
    const step = slices.next();
    if (step.done === true) {
      isDone = true;
      readAhead.giveBack(takenBytes);
      return;
    }
    const block = fetch(blockId(content.id, step.value.part, step.value.sequence));
    block.catch(() => undefined); // Awaited in its turn; a reader that leaves early never does.
    ahead.push({ slice: step.value, block, takenBytes });
  };
  const fillUp = (): void => {
    const bytes = content.parts[0]?.blockBytes ?? 0;
    while (!isDone && ahead.length < readAheadBlocks && readAhead.take(bytes)) fetchNext(bytes);
  };
  try {
    for (;;) {
      if (ahead.length === 0) fetchNext(0);
      const head = ahead.shift();
      if (head === undefined) return;
      // What was fetched ahead is in hand now.
      readAhead.giveBack(head.takenBytes);
      fillUp();
      const { body, crc32 } = await head.block;
      check.add(head.slice, body.length, crc32);
      const whole = head.slice.from === 0 && head.slice.to === body.length;
      yield whole ? body : body.subarray(head.slice.from, head.slice.to);
    }
  } finally {
    for (const { takenBytes, block } of ahead) {
      readAhead.giveBack(takenBytes);
      void block.then(({ body }) => recycle(body)).catch(() => undefined);
    }
  }
}

interface Ahead {
  readonly slice: Slice;
  readonly block: Promise<FetchedBlock>;
  /** Of the read-ahead's memory. */
  readonly takenBytes: number;
}

export function blockId(content: ContentId, part: ContentPart, sequence: number): BlockId {
  const salt = part.salts.find((entry) => entry.sequence === sequence)?.salt ?? 0;
  const stream = { home: content.home, writer: part.writer, attempt: part.attempt };
  return { content: stream, part: part.number, sequence, salt };
}

export function blockCount(part: ContentPart): number {
  return Math.ceil(part.bytes / part.blockBytes);
}

function* slicesOf(content: Content, range: ResolvedRange): Generator<Slice, void, undefined> {
  const end = range.offset + range.bytes;
  let partStart = 0;
  for (const part of content.parts) {
    const from = Math.max(range.offset - partStart, 0);
    const to = Math.min(end - partStart, part.bytes);
    for (let at = from; at < to; ) {
      const sequence = Math.floor(at / part.blockBytes);
      const blockStart = sequence * part.blockBytes;
      const blockEnd = Math.min(blockStart + part.blockBytes, to);
      yield { part, sequence, from: at - blockStart, to: blockEnd - blockStart };
      at = blockEnd;
    }
    partStart += part.bytes;
  }
}

/** S1: a part that is read whole is checked end to end, from the checksums of the very bytes that were sent. */
class PartCheck {
  readonly #damaged: (part: ContentPart) => Error;
  #crc32 = 0;
  #bytes = 0;

  constructor(damaged: (part: ContentPart) => Error) {
    this.#damaged = damaged;
  }

  add(slice: Slice, blockBytes: number, crc32: number): void {
    const { part, sequence } = slice;
    const expected = Math.min(part.blockBytes, part.bytes - sequence * part.blockBytes);
    if (blockBytes !== expected) throw this.#damaged(part);
    assert(slice.to <= blockBytes, "slice within its block");
    if (sequence === 0) {
      this.#crc32 = 0;
      this.#bytes = 0;
    } else if (this.#bytes !== sequence * part.blockBytes) return; // The range began inside this part.
    this.#crc32 = crc32Combine(this.#crc32, crc32, blockBytes);
    this.#bytes += blockBytes;
    if (this.#bytes === part.bytes && this.#crc32 !== part.crc32) throw this.#damaged(part);
  }
}
