/** Files over blocks in slots on several nodes; shards that apply at once. In virtual time. */

import type { BlockId, Epoch, ShardId } from "@holdfast/base";
import {
  attempt as attemptNumber,
  concatBytes,
  decode,
  encode,
  epoch,
  MiB,
  nodeId,
  present,
  shardId,
} from "@holdfast/base";
import type { Content } from "@holdfast/namespace";
import { findContent, noAttributes, unconditional } from "@holdfast/namespace";
import { MemoryState, silentMetrics } from "@holdfast/ports";
import { SimulatedDisk, simulatedHashing } from "@holdfast/ports/simulated";
import type { Operation, ShardCommand, ShardResult } from "@holdfast/shard";
import { ShardMachine, SystemMachine, shardEntryCodec, systemEntryCodec } from "@holdfast/shard";
import { Admission } from "../src/admission.ts";
import { BucketAdmin } from "../src/buckets/bucket-admin.ts";
import { BucketDirectory } from "../src/buckets/bucket-directory.ts";
import { ReadAhead } from "../src/content/read-ahead.ts";
import { bodyChunks } from "../src/files/body-chunks.ts";
import type { FilesContext } from "../src/files/context.ts";
import type { StoredFile } from "../src/files/interface.ts";
import { NodeFiles } from "../src/files/node-files.ts";
import { ReplicatedFileBlocks } from "../src/files/replicated-file-blocks.ts";
import { ShardReplica } from "../src/shard-replica.ts";
import { BareLog } from "./bare-log.ts";
import { incoming } from "./maintained-machine.ts";
import { ReplicatedCluster } from "./replicated-cluster.ts";

export const bucket = "b-1";
/** Larger than what travels in the log entry. */
export const blockBytes: number = 32 * 1024;

export class FilesWorld {
  readonly cluster: ReplicatedCluster;
  readonly files: NodeFiles;
  readonly shard: ShardReplica;
  /** What the shard was asked for, and said, in order. */
  readonly answered: { readonly attempt: number; readonly operation: Operation; readonly result: string }[] =
    [];
  /** Before an operation is applied. */
  onOperation: (operation: Operation) => void = () => undefined;
  readonly #machine: ShardMachine;
  readonly #log: BareLog<ShardResult>;
  #epoch = 1;

  private constructor(cluster: ReplicatedCluster, placeableCount: number) {
    this.cluster = cluster;
    const node = cluster.node("a");
    const { clock } = node;
    const systemState = new MemoryState();
    const system = new BareLog(new SystemMachine(systemState));
    const create = { kind: "createCluster", clusterId: "c", shardCount: 1 } as const;
    void system.append(encode(systemEntryCodec, { timeMs: 1, command: create }));
    const state = new MemoryState();
    this.#machine = new ShardMachine(shardId(0), state);
    this.#log = new BareLog({
      apply: (entry) => {
        const result = this.#machine.apply(entry);
        const { command } = decode(shardEntryCodec, entry.command);
        if (command.kind === "operate") {
          const { attempt, operation } = command;
          const said = result.kind === "refused" ? result.code : result.kind;
          this.answered.push({ attempt, operation, result: said });
        }
        return result;
      },
    });
    this.#log.onAppend = (bytes) => {
      const { command } = decode(shardEntryCodec, bytes);
      if (command.kind === "operate") this.onOperation(command.operation);
    };
    this.shard = new ShardReplica({
      id: shardId(0),
      log: this.#log,
      state,
      clock,
      run: { node: "a", run: "run" },
      leads: () => true,
      stopping: new AbortController().signal,
    });
    const shard = (_id: ShardId): ShardReplica => this.shard;
    const directory = new BucketDirectory(system, systemState, 1, simulatedHashing, clock);
    const { random, simulation, journal } = cluster;
    const disk = new SimulatedDisk({ random, simulation, latencyMs: { min: 0, max: 0 } });
    const today = (): Epoch => epoch(this.#epoch);
    const context: FilesContext = {
      directory,
      admin: new BucketAdmin({ system, directory, shard, clock, everyNodeKnows: () => Promise.resolve() }),
      shard,
      blocks: new ReplicatedFileBlocks(node.blocks, today),
      admission: new Admission(disk, clock, 0, silentMetrics),
      readAhead: new ReadAhead(16 * MiB),
      hashing: simulatedHashing,
      clock,
      journal,
      clusterShardCount: 1,
      defaultRedundancy: () => ({ dataFragments: 1, parityFragments: Math.min(placeableCount, 3) - 1 }),
      placeableCount: () => placeableCount,
    };
    this.files = new NodeFiles(context);
  }

  /** With a bucket of as many replicas as there are nodes, three at most. */
  static async start(names: string, placeableCount = names.length): Promise<FilesWorld> {
    const cluster = await ReplicatedCluster.start(names);
    const world = new FilesWorld(cluster, placeableCount);
    await world.run(world.shard.writerOpened());
    await world.run(world.files.createBucket({ name: bucket, owner: "tests", settings: { blockBytes } }));
    return world;
  }

  run<T>(promise: Promise<T>): Promise<T> {
    return this.cluster.run(promise);
  }

  /** As all nodes know it from now on. */
  setLayout(number: number, slots?: string, next?: string): void {
    this.#epoch = number;
    this.cluster.setLayout(number, slots, next);
  }

  /** An entry of its own, in front of what is proposed now. */
  apply(command: ShardCommand): void {
    void this.#log.append(encode(shardEntryCodec, { timeMs: 1, command }));
  }

  store(key: string, bytes: Uint8Array): Promise<StoredFile> {
    const body = incoming(bytes);
    return this.files.storeFile({ bucket, key, attributes: noAttributes, condition: unconditional, body });
  }

  async read(key: string, onChunk: () => Promise<void> = () => Promise.resolve()): Promise<Uint8Array> {
    const { body } = await this.files.readFile({ bucket, key });
    const pieces: Uint8Array[] = [new Uint8Array(0), new Uint8Array(0)];
    for await (const piece of bodyChunks(body)) {
      pieces.push(piece.slice());
      await onChunk();
    }
    return concatBytes(pieces);
  }

  async keys(): Promise<readonly string[]> {
    const all = { bucket, prefix: "", delimiter: "", after: "", limit: 1000 };
    return (await this.run(this.files.listFiles(all))).files.map(({ key }) => key);
  }

  /** The content that this attempt committed. */
  contentOf(attempt: number): Content | undefined {
    const { writer } = this.shard;
    return findContent(this.shard.localState, {
      home: shardId(0),
      writer: writer.id,
      attempt: attemptNumber(attempt),
    });
  }

  /** Blocks of the last content that was streamed, in order. */
  lastBlocks(): readonly BlockId[] {
    const { operation } = present(this.answered.at(-1), "an answer");
    if (operation.kind !== "putFile" || operation.body.kind !== "streamed")
      throw new Error("nothing streamed");
    const { writer, attempt, bytes, number } = operation.body.part;
    const content = { home: shardId(0), writer, attempt };
    const count = Math.ceil(bytes / blockBytes);
    return Array.from({ length: count }, (_, sequence) => ({ content, part: number, sequence, salt: 0 }));
  }

  async erase(id: BlockId): Promise<void> {
    for (const name of this.cluster.ids) await this.cluster.nodes.get(nodeId(name))?.store.erase(id.content);
  }
}
