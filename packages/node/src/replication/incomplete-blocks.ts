/**
 * The durable list of incomplete blocks (S2): which slots still lack, or lost, a block that is stored. It is work to be
 * done, not the truth about blocks: an entry too many costs a question, and is taken out.
 *
 * What is durable when: an entry, when `add` resolves. A removal is with the next entry; until then a crash brings it back.
 *
 * A store that is cut short amid a commit is broken for good (S11), so on a full disk nothing is begun: the change fails, and the list works
 * again when there is room.
 *
 * Keys: the node's id, a zero byte, the block's key. Value: versioned, the block's width.
 */

import type { BlockId, Codec, NodeId } from "@holdfast/base";
import {
  blockIdFromKey,
  blockKey,
  blockKeyBytes,
  concatBytes,
  DecodeError,
  decode,
  encode,
  integer,
  nodeId,
  prefixEnd,
  StoreError,
  utf8,
  utf8Text,
  versioned,
} from "@holdfast/base";
import type { Clock, KeyValue } from "@holdfast/ports";
import { turn } from "@holdfast/ports";

export interface IncompleteBlock {
  /** The slot's node that is to get it. */
  readonly node: NodeId;
  readonly id: BlockId;
  /** Of the block's placement. */
  readonly width: number;
}

const widthCodec: Codec<number> = versioned(1, integer);
const keysPerStep = 1000;
/** What one change may take of the disk: the pages from the tree's root down, copied, and room to spare. */
const changeBytesMax = 1024 * 1024;

/** Whether the disk has so much room, or can be given it. */
type HasRoom = (bytes: number) => Promise<boolean>;

export class IncompleteBlocks {
  readonly #store: KeyValue;
  readonly #hasRoom: HasRoom;
  readonly #counts = new Map<NodeId, number>();
  /** Changes of the store, one after the other: each looks before it writes. */
  #changes: Promise<unknown> = Promise.resolve();
  #flush: Promise<void> = Promise.resolve();
  /** Begins when the flush before it has ended. */
  #nextFlush: Promise<void> | undefined;

  private constructor(store: KeyValue, hasRoom: HasRoom) {
    this.#store = store;
    this.#hasRoom = hasRoom;
  }

  /** The store is the list's alone, and stays open when the list is left. What is in it is durable when this resolves (S8). */
  static async open(
    store: KeyValue,
    clock: Clock,
    hasRoom: HasRoom = () => Promise.resolve(true),
  ): Promise<IncompleteBlocks> {
    const blocks = new IncompleteBlocks(store, hasRoom);
    for (let from: Uint8Array | undefined = new Uint8Array(1); from !== undefined; ) {
      from = blocks.#countFrom(from);
      await turn(clock);
    }
    await store.flush();
    return blocks;
  }

  /** Entries of all nodes. */
  get count(): number {
    return Array.from(this.#counts.values()).reduce((sum, count) => sum + count, 0);
  }

  /** Those that lack something. */
  nodes(): readonly NodeId[] {
    return [...this.#counts.keys()];
  }

  /** In the order of their keys, from the first, or behind `after`. */
  of(node: NodeId, after: BlockId | undefined, limit: number): readonly IncompleteBlock[] {
    const prefix = prefixOf(node);
    const from = after === undefined ? prefix : prefixEnd(keyOf(node, after));
    const to = prefixEnd(prefix);
    if (from === undefined) return [];
    return Array.from(this.#store.range({ from, to, limit }), ({ key, value }) => ({
      node,
      id: blockIdFromKey(key.subarray(prefix.length)),
      width: widthOf(value),
    }));
  }

  /** Whether it is there, durable or not. */
  has({ node, id }: Pick<IncompleteBlock, "node" | "id">): boolean {
    return this.#store.peek(keyOf(node, id)) !== undefined;
  }

  /** Durable when it resolves; fine if it is there already. OutOfSpace. */
  async add({ node, id, width }: IncompleteBlock): Promise<void> {
    await this.#change(node, keyOf(node, id), encode(widthCodec, width));
    await this.#flushed();
  }

  async remove({ node, id }: Pick<IncompleteBlock, "node" | "id">): Promise<void> {
    await this.#change(node, keyOf(node, id), undefined);
  }

  #change(node: NodeId, key: Uint8Array, value: Uint8Array | undefined): Promise<void> {
    const change = this.#changes.then(async () => {
      const wasThere = this.#store.peek(key) !== undefined;
      const isThere = value !== undefined;
      if (!wasThere && !isThere) return;
      if (!(await this.#hasRoom(changeBytesMax)))
        throw new StoreError("OutOfSpace", "The disk is full: the list of incomplete blocks stays as it is.");
      await this.#store.write([{ key, value }]);
      if (wasThere !== isThere) this.#count(node, isThere ? 1 : -1);
    });
    this.#changes = change.catch(() => undefined); // Its caller hears of it.
    return change;
  }

  /** One flush for all that were added while the last one ran. */
  #flushed(): Promise<void> {
    this.#nextFlush ??= this.#flush
      .catch(() => undefined)
      .then(() => {
        this.#nextFlush = undefined;
        this.#flush = this.#store.flush();
        return this.#flush;
      });
    return this.#nextFlush;
  }

  #count(node: NodeId, change: 1 | -1): void {
    const count = (this.#counts.get(node) ?? 0) + change;
    if (count === 0) this.#counts.delete(node);
    else this.#counts.set(node, count);
  }

  #countFrom(from: Uint8Array): Uint8Array | undefined {
    let last: Uint8Array | undefined;
    let count = 0;
    for (const { key } of this.#store.range({ from, limit: keysPerStep })) {
      this.#count(nodeOf(key), 1);
      last = key;
      count++;
    }
    return last === undefined || count < keysPerStep ? undefined : prefixEnd(new Uint8Array(last));
  }
}

function prefixOf(node: NodeId): Uint8Array {
  return concatBytes([utf8(node), new Uint8Array(1)]);
}

function keyOf(node: NodeId, id: BlockId): Uint8Array {
  return concatBytes([prefixOf(node), blockKey(id)]);
}

function nodeOf(key: Uint8Array): NodeId {
  if (key.length <= blockKeyBytes)
    throw new DecodeError(`no entry of incomplete blocks: a key of ${key.length} bytes`);
  return nodeId(utf8Text(key.subarray(0, key.length - blockKeyBytes - 1)));
}

function widthOf(value: Uint8Array): number {
  return decode(widthCodec, value);
}
