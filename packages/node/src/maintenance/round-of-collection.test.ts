import assert from "node:assert/strict";
import { test } from "node:test";
import type { ContentId, ShardId } from "@holdfast/base";
import { attempt, crc32, encode, StoreError, seededRandom, shardId, writerId } from "@holdfast/base";
import type { BlockStore } from "@holdfast/blocks";
import { openBlockStore } from "@holdfast/blocks";
import { MemoryState, silentMetrics } from "@holdfast/ports";
import {
  CollectingJournal,
  SimulatedClock,
  SimulatedDisk,
  SimulatedKeyValue,
  Simulation,
  simulatedHashing,
} from "@holdfast/ports/simulated";
import { ShardMachine, shardEntryCodec } from "@holdfast/shard";
import { BareLog } from "../../test-support/bare-log.ts";
import { ShardReplica } from "../shard-replica.ts";
import { Collector } from "./collector.ts";

/** Two shards, of which the first cannot be asked, and a block of each that belongs to nothing. */
async function world(): Promise<{
  readonly collector: Collector;
  readonly blocks: BlockStore;
  readonly simulation: Simulation;
  readonly shards: readonly ShardReplica[];
}> {
  const random = seededRandom(1);
  const drain = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const simulation = new Simulation({ random, drain });
  const clock = new SimulatedClock(simulation);
  const journal = new CollectingJournal();
  const disk = new SimulatedDisk({ random, simulation, latencyMs: { min: 0, max: 0 } });
  const index = new SimulatedKeyValue({ random }).mount();
  const given = { disk: disk.mount(), index, clock, random, hashing: simulatedHashing, journal };
  const blocks = await simulation.runUntilSettled(openBlockStore({ ...given, folder: "blocks" }));
  const shards = [0, 1].map((number) => {
    const state = new MemoryState();
    const log = new BareLog(new ShardMachine(shardId(number), state));
    const open = { kind: "openWriter", node: "gone", run: "r" } as const;
    void log.append(encode(shardEntryCodec, { timeMs: 1, command: open }));
    void log.append(
      encode(shardEntryCodec, { timeMs: 2, command: { kind: "closeWriter", writer: writerId(1) } }),
    );
    const refused = (): Promise<never> => Promise.reject(new StoreError("Unavailable", "no leader"));
    return new ShardReplica({
      id: shardId(number),
      log: number === 0 ? Object.assign(log, { append: refused, readBarrier: refused }) : log,
      state,
      clock,
      run: { node: "n", run: "r" },
      leads: () => true,
      stopping: new AbortController().signal,
    });
  });
  for (const home of [0, 1])
    await simulation.runUntilSettled(
      blocks.put(
        { content: streamOf(shardId(home)), part: 1, sequence: 0, salt: 0 },
        Uint8Array.of(home),
        crc32(Uint8Array.of(home)),
      ),
    );
  const nodes = { isAlone: () => true, isLive: () => true };
  const options = { intervalMs: 10, readerGraceMs: 1, roundsPerScan: 1, publishMs: 1000, silentMs: 1e9 };
  const parts = { shards, blocks, nodes, clock, journal, metrics: silentMetrics };
  return { collector: new Collector(parts, options), blocks, simulation, shards };
}

function streamOf(home: ShardId): ContentId {
  return { home, writer: writerId(1), attempt: attempt(0) };
}

test("a round of collection: a shard that cannot be asked, and has no writer, keeps its blocks, and no other's", async () => {
  const { collector, blocks, simulation, shards } = await world();
  assert.ok(shards.every(({ hasWriter }) => !hasWriter));
  const round = collector.collect(true).catch((error: unknown) => error);
  const failure = await simulation.runUntilSettled(round);
  assert.ok(failure instanceof StoreError && failure.message === "no leader", "it is told at the end");
  assert.deepEqual(
    blocks.contents(undefined, 10).map(({ home }) => home),
    [0],
  );
  await collector.stop();
});

test("a round of collection: a writer that sent nothing for long says that it lives, and not more often", async () => {
  const { collector, simulation, shards } = await world();
  const shard = shards[1];
  assert.ok(shard !== undefined);
  await simulation.runUntilSettled(shard.writerOpened());
  const entries = async (afterMs: number): Promise<number> => {
    await simulation.runFor(afterMs);
    const before = shard.log.appliedIndex;
    await simulation.runUntilSettled(collector.collect(false).catch(() => undefined));
    return shard.log.appliedIndex - before;
  };
  assert.deepEqual([await entries(500), await entries(600), await entries(500)], [0, 1, 0]);
  await collector.stop();
});
