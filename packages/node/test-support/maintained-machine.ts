/** A machine on which a node runs, is stopped, and whose stores are damaged underneath in between. */

import type { BlockId, ShardId } from "@holdfast/base";
import { concatBytes, present, seededRandom, shardId, utf8 } from "@holdfast/base";
import type { BlockStore } from "@holdfast/blocks";
import { openBlockStore } from "@holdfast/blocks";
import type { FileVersion } from "@holdfast/namespace";
import { findFile, listBuckets, noAttributes, unconditional } from "@holdfast/namespace";
import { simulatedHashing } from "@holdfast/ports/simulated";
import type { GroupState } from "@holdfast/state";
import { StateStore } from "@holdfast/state";
import { bodyChunks } from "../src/files/body-chunks.ts";
import type { IncomingBody, StoredFile } from "../src/files/interface.ts";
import type { FsckEvent, FsckOptions, FsckSummary, ProblemKind } from "../src/fsck/findings.ts";
import { shardGroup, systemGroup } from "../src/groups/group-ids.ts";
import { folders } from "../src/identity.ts";
import type { NodeOptions } from "../src/node-options.ts";
import { NodeMachine } from "./node-machine.ts";

export const shardCount = 2;
/** Larger than what travels in the log entry. */
export const blockBytes = 64 * 1024;

export class MaintainedMachine extends NodeMachine {
  constructor(options: NodeOptions = {}, diskLatencyMs = { min: 0, max: 0 }) {
    const defaults = { shardCount, volumeBytesMax: 4 * blockBytes, collectIntervalMs: 1_000_000 };
    super({ ...defaults, ...options }, diskLatencyMs);
  }

  bucket(name: string): Promise<unknown> {
    return this.run(this.node.files.createBucket({ name, owner: "tests", settings: { blockBytes } }));
  }

  put(key: string, bytes: Uint8Array): Promise<StoredFile> {
    return this.run(this.storeFile(key, bytes));
  }

  storeFile(key: string, bytes: Uint8Array): Promise<StoredFile> {
    const attributes = noAttributes;
    return this.node.files.storeFile({
      bucket: "b-1",
      key,
      attributes,
      condition: unconditional,
      body: incoming(bytes),
    });
  }

  async readFile(key: string): Promise<Uint8Array> {
    const { body } = await this.node.files.readFile({ bucket: "b-1", key });
    const pieces: Uint8Array[] = [new Uint8Array(0), new Uint8Array(0)];
    for await (const piece of bodyChunks(body)) pieces.push(piece);
    return concatBytes(pieces);
  }

  remove(key: string): Promise<unknown> {
    return this.run(this.node.files.deleteFile({ bucket: "b-1", key, condition: unconditional }));
  }

  copy(from: string, to: string): Promise<unknown> {
    const source = { bucket: "b-1", key: from };
    return this.run(
      this.node.files.copyFile({
        source,
        bucket: "b-1",
        key: to,
        condition: unconditional,
        attributes: undefined,
      }),
    );
  }

  async list(): Promise<readonly string[]> {
    const all = { bucket: "b-1", prefix: "", delimiter: "", after: "", limit: 1000 };
    return (await this.run(this.node.files.listFiles(all))).files.map(({ key }) => key);
  }

  async fsck(options: FsckOptions = {}): Promise<readonly FsckEvent[]> {
    return this.run(this.check(options));
  }

  async check(options: FsckOptions = {}): Promise<readonly FsckEvent[]> {
    const events: FsckEvent[] = [];
    for await (const event of this.node.fsck(options)) events.push(event);
    return events;
  }

  /** The state of a stopped node, to be changed behind its back; what is left of it is made durable. */
  async tamper(
    change: (shards: readonly GroupState[], find: (key: string) => FoundVersion) => void,
  ): Promise<void> {
    const state = new StateStore(this.store(folders.state).mount(), simulatedHashing);
    const shards = Array.from({ length: shardCount }, (_, i) => state.group(shardGroup(shardId(i))));
    const system = state.group(systemGroup);
    const bucket = present(
      [...listBuckets(system)].find(({ name }) => name === "b-1"),
      "bucket",
    );
    change(shards, (key) => {
      for (const [i, shard] of shards.entries()) {
        const version = findFile(shard, bucket.id, key);
        if (version !== undefined)
          return { shard, shardId: shardId(i), version, key: fileKey(bucket.id, key) };
      }
      throw new Error(`no file ${key}`);
    });
    await this.run(state.flush());
  }

  /** The blocks of a stopped node, to be changed behind its back. */
  async tamperBlocks(change: (blocks: BlockStore) => Promise<void>): Promise<void> {
    const blocks = await this.run(
      openBlockStore({
        disk: this.disk.mount(),
        index: this.store(folders.blockIndex).mount(),
        clock: this.clock,
        random: this.random,
        hashing: simulatedHashing,
        journal: this.journal,
        folder: folders.blocks,
        volumeBytesMax: 4 * blockBytes,
      }),
    );
    await this.run(change(blocks));
    await this.run(blocks.close());
  }

  /** Blocks that a file's content has, in order. */
  async blocksOf(key: string): Promise<readonly BlockId[]> {
    let ids: readonly BlockId[] = [];
    let version: FileVersion | undefined;
    await this.tamper((_, find) => (version = find(key).version));
    await this.tamperBlocks(async (blocks) => {
      if (version?.body.kind === "content")
        ids = await Promise.resolve(blocks.blocksOf(version.body.content));
    });
    return ids;
  }

  /** Flips a bit of a file's description in the state of a stopped node. */
  rotStateValue(): void {
    const store = this.store(folders.state);
    for (const { key } of store.range({ from: Uint8Array.of(1, 0, 0, 0, 1, 0x04) })) {
      store.rot(key, 100);
      return;
    }
    throw new Error("no file in the state");
  }

  /** Flips a bit of a block where it lies on the disk. */
  async rotBlock(body: Uint8Array): Promise<void> {
    if (!(await rotBlock(this, body))) throw new Error("no such block on the disk");
  }
}

/** Flips a bit of a block where it lies on the machine's disk; false when it has none. */
export async function rotBlock(machine: NodeMachine, body: Uint8Array): Promise<boolean> {
  const { disk } = machine;
  for (const name of await machine.run(disk.list(folders.blocks))) {
    const path = `${folders.blocks}/${name}`;
    const bytes = disk.peek(path);
    const place = bytes === undefined ? -1 : indexOf(bytes, body.subarray(0, 64));
    if (place < 0) continue;
    disk.rot(path, place + 10);
    return true;
  }
  return false;
}

export interface FoundVersion {
  readonly shard: GroupState;
  readonly shardId: ShardId;
  readonly version: FileVersion;
  /** In the shard's state. */
  readonly key: Uint8Array;
}

function fileKey(bucket: number, key: string): Uint8Array {
  const number = new DataView(new ArrayBuffer(8));
  number.setBigUint64(0, BigInt(bucket));
  return concatBytes([Uint8Array.of(0x04), new Uint8Array(number.buffer), utf8(key)]);
}

function indexOf(bytes: Uint8Array, sought: Uint8Array): number {
  const first = sought[0] ?? 0;
  for (let at = bytes.indexOf(first); at >= 0; at = bytes.indexOf(first, at + 1))
    if (sought.every((byte, i) => bytes[at + i] === byte)) return at;
  return -1;
}

export function incoming(bytes: Uint8Array): IncomingBody {
  async function* chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    for (let at = 0; at < bytes.length; at += 262_144)
      yield await Promise.resolve(bytes.subarray(at, at + 262_144));
  }
  return { chunks: chunks(), bytes: bytes.length, expectedDigests: () => [] };
}

export function problemsOf(
  events: readonly FsckEvent[],
): readonly { readonly problem: ProblemKind; readonly files: readonly string[] }[] {
  return events
    .filter((event) => event.kind === "problem")
    .map(({ problem, files }) => ({ problem, files: [...files].sort() }));
}

export function summaryOf(events: readonly FsckEvent[]): FsckSummary {
  const last = present(events.at(-1), "events of a check");
  if (last.kind !== "summary") throw new Error("the last event is the summary");
  return last;
}

/** Bytes that no other call gives. */
export function bytesOf(seed: number, length: number): Uint8Array {
  return seededRandom(seed).bytes(length);
}
