/**
 * The state machine of a shard as it ships, on a state in memory: clients open a writer and put small files, attempt for
 * attempt. A file's version is the index of the entry that stored it, so that an answer tells which entry did the work.
 */

import type { BucketId } from "@holdfast/base";
import { attempt, bucketId, crc32, decode, encode, logIndex, shardId, writerId } from "@holdfast/base";
import { noAttributes, unconditional } from "@holdfast/namespace";
import { MemoryState } from "@holdfast/ports";
import type { ShardCommand } from "@holdfast/shard";
import { ShardMachine, shardEntryCodec } from "@holdfast/shard";
import { violated } from "../model/violation.ts";
import type { Executed, GroupMachine, MachineKind, MachineSnapshot, WriteCommand } from "./group-machine.ts";

const shard = shardId(0);
const bucket: BucketId = bucketId(1);
const timeMs = 1_000_000;

class ShardGroupMachine implements GroupMachine {
  readonly #state: MemoryState;
  readonly #machine: ShardMachine;

  constructor(state: MemoryState) {
    this.#state = state;
    this.#machine = new ShardMachine(shard, state);
  }

  get digest(): number {
    let digest = 0;
    for (const { key, value } of everything(this.#state))
      digest = Math.imul(digest ^ crc32(key), 0x0100_0193) ^ crc32(value);
    return digest >>> 0;
  }

  apply(index: number, payload: Uint8Array): Executed | undefined {
    const { command } = decode(shardEntryCodec, payload);
    const result = this.#machine.apply({ index: logIndex(index), command: payload });
    if (result.kind === "stored" && command.kind === "operate")
      return { writer: command.writer, attempt: command.attempt, index: result.version };
    if (result.kind === "writerOpened") return { writer: result.writer, attempt: 0, index };
    if (result.kind === "writerClosed") return undefined;
    return violated(`a ${command.kind} was answered ${JSON.stringify(result)}`);
  }

  snapshot(): MachineSnapshot {
    return snapshotOf(copyOf(this.#state));
  }
}

export const shardMachine: MachineKind = {
  empty: snapshotOf(stateWithBucket()),
  openWriter: (client) => encodeEntry({ kind: "openWriter", node: `node-${client}`, run: "run" }),
  encodeWrite,
};

function encodeWrite({ writer, attempt: number, key, value }: WriteCommand): Uint8Array {
  const body = new Uint8Array(new Uint32Array([value]).buffer);
  return encodeEntry({
    kind: "operate",
    writer: writerId(writer),
    attempt: attempt(number),
    // One attempt at a time: those before it are over, answered or given up.
    progress: { floor: attempt(number), closed: [] },
    operation: {
      kind: "putFile",
      bucket,
      key: `key-${key}`,
      condition: unconditional,
      attributes: noAttributes,
      bytes: body.length,
      etag: `etag-${value}`,
      checksum: undefined,
      body: { kind: "inline", body, crc32: crc32(body) },
    },
  });
}

function encodeEntry(command: ShardCommand): Uint8Array {
  return encode(shardEntryCodec, { timeMs, command });
}

function stateWithBucket(): MemoryState {
  const state = new MemoryState();
  const settings = { redundancy: { dataFragments: 1, parityFragments: 2 }, blockBytes: 1024 * 1024 };
  const command = encodeEntry({ kind: "installBucket", bucket, settings });
  new ShardMachine(shard, state).apply({ index: logIndex(0), command });
  return state;
}

function snapshotOf(state: MemoryState): MachineSnapshot {
  return { open: () => new ShardGroupMachine(copyOf(state)) };
}

function copyOf(state: MemoryState): MemoryState {
  const copy = new MemoryState();
  for (const { key, value } of everything(state)) copy.put(key, value);
  return copy;
}

function everything(state: MemoryState): ReturnType<MemoryState["range"]> {
  return state.range({ from: new Uint8Array(0) });
}
