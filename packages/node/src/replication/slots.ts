/** Every slot behind one face: this node's without the network and without copies, the others' by exchanges. */

import type { BlockId, Epoch, NodeId } from "@holdfast/base";
import type { BlockFrames, Erased, StoredBlock } from "@holdfast/blocks";
import type { BlockPage } from "./block-wire.ts";
import type { LocalBlocks } from "./local-blocks.ts";
import type { NodeTrust } from "./node-trust.ts";
import type { AttemptEnd, RemoteBlocks } from "./remote-blocks.ts";
import type { FragmentStat, SlotAnswer } from "./slot-answer.ts";

/** What is to be stored in one slot. */
export interface Fragment {
  readonly id: BlockId;
  readonly body: Uint8Array;
  /** CRC-32 of the body, as its writer computed it. */
  readonly checksum: number;
}

export class Slots {
  readonly self: NodeId;
  readonly frames: BlockFrames;
  readonly #local: LocalBlocks;
  readonly #remote: RemoteBlocks;
  readonly #trust: NodeTrust;

  constructor(self: NodeId, local: LocalBlocks, remote: RemoteBlocks, trust: NodeTrust) {
    this.self = self;
    this.frames = local.store.frames;
    this.#local = local;
    this.#remote = remote;
    this.#trust = trust;
  }

  /** The body is in use until this resolves. A local put cannot be given up. */
  async put(
    node: NodeId,
    { id, body, checksum }: Fragment,
    epoch: Epoch,
    end: AttemptEnd,
  ): Promise<SlotAnswer<undefined>> {
    if (node === this.self) return this.#local.put(id, body, checksum, epoch);
    return this.#noted(node, await this.#remote.put(node, { id, checksum, epoch }, body, end));
  }

  async read(node: NodeId, id: BlockId, epoch: Epoch, end: AttemptEnd): Promise<SlotAnswer<StoredBlock>> {
    if (node === this.self) return this.#local.read(id);
    return this.#noted(node, await this.#remote.read(node, { id, epoch }, end));
  }

  async stat(
    node: NodeId,
    ids: readonly BlockId[],
    epoch: Epoch,
    end: AttemptEnd,
  ): Promise<SlotAnswer<readonly FragmentStat[]>> {
    if (node === this.self) return this.#local.stat(ids, epoch);
    return this.#noted(node, await this.#remote.stat(node, { ids, epoch }, end));
  }

  /** What a slot's node holds behind `after`, in the order of keys. */
  async list(
    node: NodeId,
    {
      after,
      limit,
      epoch,
    }: { readonly after: BlockId | undefined; readonly limit: number; readonly epoch: Epoch },
    end: AttemptEnd,
  ): Promise<SlotAnswer<BlockPage>> {
    if (node === this.self) return this.#local.list(after, limit, epoch);
    return this.#noted(node, await this.#remote.list(node, { after, limit, epoch }, end));
  }

  /** See `LocalBlocks.follow`. */
  follow(epoch: Epoch): Promise<void> {
    return this.#local.follow(epoch);
  }

  /** See `LocalBlocks.drop`. */
  drop(ids: readonly BlockId[], epoch: Epoch): Promise<Erased | undefined> {
    return this.#local.drop(ids, epoch);
  }

  /** What this node itself holds: a look into the index. */
  statHere(id: BlockId): FragmentStat {
    return this.#local.statOf(id);
  }

  #noted<T>(node: NodeId, answer: SlotAnswer<T>): SlotAnswer<T> {
    if (answer.kind !== "silent") this.#trust.onAnswer(node);
    else if (answer.reason !== "given-up") this.#trust.onTrouble(node);
    return answer;
  }
}
