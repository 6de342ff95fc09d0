/** A cluster's records in the system group, for tests: nodes by number, entries applied one by one. */

import assert from "node:assert/strict";
import type { BucketId, NodeId } from "@holdfast/base";
import { encode, logIndex, nodeId, shardId } from "@holdfast/base";
import { MemoryState } from "@holdfast/ports";
import type { Layout, Member } from "@holdfast/ring";
import { createLayout, layoutCodec } from "@holdfast/ring";
import { closedEpochOf } from "../src/cluster/closed-epochs.ts";
import type { NewNode } from "../src/cluster/node-record.ts";
import type { SystemCommand, SystemResult } from "../src/system-command.ts";
import { systemEntryCodec } from "../src/system-command.ts";
import { SystemMachine } from "../src/system-machine.ts";

export const founding = { consensus: "raft", partitionBits: 4 } as const;
export const hour = 60 * 60_000;
export const shards = 2;

export function id(number: number): NodeId {
  return nodeId(String(number).padStart(16, "0"));
}

export function node(number: number, changes: Partial<NewNode> = {}): NewNode {
  const addresses = { rpc: `127.0.0.1:${number}`, http: "127.0.0.1:2", s3: "127.0.0.1:3" };
  const life = { logIncarnation: `log-${number}`, volumeIncarnation: `volumes-${number}` };
  return { id: id(number), zone: "a", weight: 1, addresses, ...life, ...changes };
}

export function digest(byte: number): Uint8Array {
  return new Uint8Array(32).fill(byte);
}

export function layoutOf(count: number, widths: readonly number[]): Layout {
  const made = createLayout({ partitionBits: 4, shardCount: shards, members: members(count), widths });
  assert.equal(made.kind, "changed");
  return made.layout;
}

export function members(count: number): readonly Member[] {
  return Array.from({ length: count }, (_, i) => ({ id: id(i + 1), zone: "a", weight: 1, draining: false }));
}

export class Cluster {
  readonly state: MemoryState = new MemoryState();
  readonly #machine = new SystemMachine(this.state);
  #index = 0;

  constructor() {
    this.apply({ kind: "createCluster", clusterId: "c", shardCount: shards });
  }

  static founded(): Cluster {
    const cluster = new Cluster();
    assert.equal(cluster.apply({ kind: "foundCluster", founding, node: node(1) }).kind, "node");
    return cluster;
  }

  apply(command: SystemCommand, timeMs: number = 1000): SystemResult {
    this.#index += 1;
    const entry = encode(systemEntryCodec, { timeMs, command });
    return this.#machine.apply({ index: logIndex(this.#index), command: entry });
  }

  refused(command: SystemCommand, timeMs?: number): string {
    const before = this.#bytes();
    const result = this.apply(command, timeMs);
    assert.equal(result.kind, "refused");
    assert.deepEqual(this.#bytes(), before, "nothing was changed");
    return result.code;
  }

  /** Done, and as if nothing had been said. */
  ignored(command: SystemCommand): void {
    const before = this.#bytes();
    assert.equal(this.apply(command).kind, "done");
    assert.deepEqual(this.#bytes(), before, "nothing was changed");
  }

  join(number: number, changes: Partial<NewNode> = {}, timeMs?: number): SystemResult {
    return this.apply({ kind: "joinNode", token: digest(number), node: node(number, changes) }, timeMs);
  }

  /** Issues a token and joins by it. */
  admit(number: number, changes: Partial<NewNode> = {}, timeMs?: number): void {
    this.apply({ kind: "issueToken", digest: digest(number), lifetimeMs: hour }, timeMs);
    assert.equal(this.join(number, changes, timeMs).kind, "node");
  }

  setLayout(layout: Layout): SystemCommand {
    return { kind: "setLayout", layout: encode(layoutCodec, layout) };
  }

  layOut(layout: Layout): void {
    assert.equal(this.apply(this.setLayout(layout)).kind, "done");
  }

  createBucket(name: string, width: number): BucketId {
    const redundancy = { dataFragments: 1, parityFragments: width - 1 };
    const settings = { redundancy, blockBytes: 1_048_576 };
    const create = {
      kind: "createBucket",
      name,
      owner: "o",
      shardCount: 1,
      firstShard: 0,
      settings,
    } as const;
    const result = this.apply(create);
    assert.equal(result.kind, "bucket");
    return result.bucket.id;
  }

  /** Every shard has closed the epochs below this layout's. */
  close(layout: Layout): void {
    for (let shard = 0; shard < shards; shard++) {
      this.apply({ kind: "closeShards", epoch: layout.epoch, shards: [shardId(shard)] });
      assert.equal(closedEpochOf(this.state, shardId(shard)), layout.epoch);
    }
  }

  /** All but the time, which every entry moves on. */
  #bytes(): readonly unknown[] {
    return [...this.state.range({ from: Uint8Array.of(2) })].map(({ key, value }) => [
      key.slice(),
      value.slice(),
    ]);
  }
}
