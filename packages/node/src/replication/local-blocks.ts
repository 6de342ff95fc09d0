/** This node's own slots: the local block store, under the epoch that this node has promised to follow (S3). */

import type { BlockId, Epoch } from "@holdfast/base";
import type { BlockErrorKind, BlockStore, Erased, StoredBlock } from "@holdfast/blocks";
import { BlockError } from "@holdfast/blocks";
import { DiskError } from "@holdfast/ports";
import type { BlockPage, ListedBlock } from "./block-wire.ts";
import type { ServedEpoch } from "./served-epoch.ts";
import type { FragmentStat, RefusalReason, SlotAnswer, Standing } from "./slot-answer.ts";

const reasonOf: Readonly<Record<BlockErrorKind, RefusalReason>> = {
  missing: "missing",
  corrupt: "corrupt",
  conflict: "conflict",
  refused: "mismatch",
  "no-space": "no-space",
  busy: "busy",
  poisoned: "unavailable",
  unusable: "unavailable",
  closed: "unavailable",
};

const contentsPerStep = 64;

export class LocalBlocks {
  readonly store: BlockStore;
  readonly #epoch: ServedEpoch;

  constructor(store: BlockStore, epoch: ServedEpoch) {
    this.store = store;
    this.#epoch = epoch;
  }

  get standing(): Standing {
    return { epoch: this.#epoch.current, incarnation: this.store.incarnation };
  }

  /** From now on nothing is served here under a lower epoch, and no drop under one is under way. Throws DiskError. */
  follow(epoch: Epoch): Promise<void> {
    return this.#epoch.raise(epoch);
  }

  /**
   * Forgets these blocks, which by the layout of this epoch have moved away (S3). Undefined, with nothing dropped, when a newer
   * layout is followed here: it may have brought them back, and been told that they are here. Throws BlockError, DiskError.
   */
  drop(ids: readonly BlockId[], epoch: Epoch): Promise<Erased | undefined> {
    return this.#epoch.actUnder(epoch, () => this.store.eraseBlocks(ids));
  }

  /** Without a look at anything but the epoch. */
  isStale(epoch: Epoch): boolean {
    return epoch < this.#epoch.current;
  }

  /** Done when the block is durable. The caller leaves the body unchanged until it is answered. */
  put(id: BlockId, body: Uint8Array, checksum: number, epoch: Epoch): Promise<SlotAnswer<undefined>> {
    return this.#under(epoch, async () => {
      await this.store.put(id, body, checksum);
      return undefined;
    });
  }

  /**
   * Under any epoch: a body is never another, so an old layout can make a reader look in the wrong place, never see the
   * wrong bytes. Refusing it would take files away while a layout travels; the standing tells the reader that it is behind.
   */
  read(id: BlockId): Promise<SlotAnswer<StoredBlock>> {
    return this.#answer(() => this.store.read(id));
  }

  stat(ids: readonly BlockId[], epoch: Epoch): Promise<SlotAnswer<readonly FragmentStat[]>> {
    return this.#under(epoch, () => ids.map((id) => this.statOf(id)));
  }

  /** Nothing that was put under a lower epoch is added behind it: what a backfill needs (S3). */
  list(after: BlockId | undefined, limit: number, epoch: Epoch): Promise<SlotAnswer<BlockPage>> {
    return this.#under(epoch, () => {
      // One more than asked for tells whether there are more.
      const ids = this.#idsBehind(after, limit + 1);
      const blocks = ids.slice(0, limit).map((id): ListedBlock => ({ id, stat: this.statOf(id) }));
      return { blocks, isLast: ids.length <= limit };
    });
  }

  statOf(id: BlockId): FragmentStat {
    try {
      const stat = this.store.stat(id);
      if (stat === undefined) return { state: "absent", bytes: 0, checksum: 0 };
      const { bytes, checksum, damaged } = stat;
      return { state: damaged ? "damaged" : "whole", bytes, checksum };
    } catch (error) {
      if (!(error instanceof BlockError && error.kind === "corrupt")) throw error;
      return { state: "damaged", bytes: 0, checksum: 0 };
    }
  }

  #idsBehind(after: BlockId | undefined, limit: number): readonly BlockId[] {
    const ids = after === undefined ? [] : [...this.store.blocksOf(after.content, after, limit)];
    let last = after?.content;
    while (ids.length < limit) {
      const contents = this.store.contents(last, contentsPerStep);
      for (const content of contents) {
        if (ids.length < limit) ids.push(...this.store.blocksOf(content, undefined, limit - ids.length));
      }
      last = contents.at(-1);
      if (last === undefined) break;
    }
    return ids;
  }

  #under<T>(epoch: Epoch, act: () => T | Promise<T>): Promise<SlotAnswer<T>> {
    return this.#answer(async () => {
      if (!(await this.#epoch.admits(epoch))) return staleEpoch;
      return act();
    });
  }

  async #answer<T>(act: () => Promise<T | typeof staleEpoch>): Promise<SlotAnswer<T>> {
    try {
      const value = await act();
      const { standing } = this;
      if (value === staleEpoch) return { kind: "refused", standing, reason: "stale-epoch" };
      return { kind: "done", standing, value };
    } catch (error) {
      return { kind: "refused", standing: this.standing, reason: reasonOfError(error) };
    }
  }
}

const staleEpoch: unique symbol = Symbol("stale epoch");

function reasonOfError(error: unknown): RefusalReason {
  if (error instanceof BlockError) return reasonOf[error.kind];
  if (error instanceof DiskError) return error.kind === "no-space" ? "no-space" : "unavailable";
  throw error;
}
