/**
 * How long writes fail when a server dies: the one that leads the most shards is killed, again and again, while one writer for each
 * shard goes on through the others.
 */

import { appendFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { present } from "@holdfast/base";
import type { Cluster, Store } from "@holdfast/client";
import { numberOf } from "../store/leading-node.ts";
import { StoreCluster } from "../store/store-cluster.ts";
import type { Consensus } from "./consensus.ts";

export interface FailoverFilesOptions {
  readonly protocols: readonly Consensus[];
  readonly rounds: number;
  readonly results: string | undefined;
}

/** Of one round, in milliseconds. */
interface Round {
  /** Until the last shard that the dead node led took a write again. */
  readonly backMs: number;
  /** The longest pause of a shard that it did not lead; undefined when it led all. */
  readonly otherMs: number | undefined;
  /** The same before, with all three servers: what the machine itself makes of it. */
  readonly otherBeforeMs: number | undefined;
  /** Shards that it led. */
  readonly led: number;
}

const size = 3;
const bucket = "failover";
const medianMsMax = 2000;
const callMsMax = 2000;
const serviceMsMax = 30_000;
const steadyMs = 1500;

/** The exit code. */
export async function runFailoverFiles({
  protocols,
  rounds,
  results,
}: FailoverFilesOptions): Promise<number> {
  let isGood = true;
  for (const consensus of protocols) {
    const all = await failoverFiles(consensus, rounds);
    const back = summary(all.map(({ backMs }) => backMs));
    const others = all.map(({ otherMs }) => otherMs).filter((ms) => ms !== undefined);
    const other = others.length === 0 ? undefined : summary(others);
    const before = all.map(({ otherBeforeMs }) => otherBeforeMs).filter((ms) => ms !== undefined);
    const otherBefore = before.length === 0 ? undefined : summary(before);
    if (back.median > medianMsMax) isGood = false;
    const line = {
      chaos: "failover-files",
      nodes: size,
      consensus,
      rounds: all.length,
      back,
      other,
      otherBefore,
    };
    if (results !== undefined) appendFileSync(results, `${JSON.stringify(line)}\n`);
    console.log(
      `${size} servers, ${consensus}: writes to all shards of the dead server are back after ${back.median} ms (median of ${all.length}; worst ${back.worst}); ` +
        `the longest that a write to another shard was waited for: ${other?.median} ms (median; worst ${other?.worst}), ` +
        `before the death ${otherBefore?.median} ms (worst ${otherBefore?.worst})`,
    );
    for (const { backMs, otherMs, otherBeforeMs, led } of all)
      console.log(`  led ${led}: back ${backMs}, others ${otherMs}, before ${otherBeforeMs}`);
  }
  return isGood ? 0 : 1;
}

function summary(times: readonly number[]): { readonly median: number; readonly worst: number } {
  const ascending = times.toSorted((a, b) => a - b);
  const at = (i: number): number => ascending[i] ?? Number.POSITIVE_INFINITY;
  return { median: at(Math.floor(ascending.length / 2)), worst: at(ascending.length - 1) };
}

async function failoverFiles(consensus: Consensus, rounds: number): Promise<readonly Round[]> {
  const cluster = await StoreCluster.open({ size, consensus });
  let isClean = false;
  try {
    const stores = await Promise.all(cluster.nodes.map((node) => cluster.connect(node, 0)));
    const keys = await keysByShard(present(stores[0], "a store"));
    const all: Round[] = [];
    for (let round = 0; round < rounds; round++) all.push(await failover(cluster, stores, keys));
    for (const store of stores) store.close();
    isClean = true;
    return all;
  } finally {
    await cluster.close(!isClean);
  }
}

/** One key for each shard that the bucket has: where a write goes shows in what is applied. */
async function keysByShard(store: Store): Promise<ReadonlyMap<number, string>> {
  await store.createBucket(bucket, { redundancy: `replicas:${size}` });
  const keys = new Map<number, string>();
  const tries = 12 * (await store.cluster()).shards.length;
  for (let i = 0; i < tries; i++) {
    const before = await store.cluster();
    await store.storeFile(`${bucket}/${i}`, "where");
    await delay(50);
    const moved = movedShards(before, await store.cluster());
    // What goes on in the background moves shards too.
    if (moved.length === 1 && moved[0] !== undefined && !keys.has(moved[0])) keys.set(moved[0], `${i}`);
  }
  return keys;
}

function movedShards(before: Cluster, after: Cluster): readonly number[] {
  return after.shards
    .filter(({ applied }, i) => applied !== before.shards[i]?.applied)
    .map(({ shard }) => shard);
}

async function failover(
  cluster: StoreCluster,
  stores: readonly Store[],
  keys: ReadonlyMap<number, string>,
): Promise<Round> {
  const { shards, nodes } = await untilLed(present(stores[0], "a store"));
  const ledBy = (id: string): readonly number[] =>
    shards.filter(({ leader, shard }) => leader === id && keys.has(shard)).map(({ shard }) => shard);
  const most = nodes.map(({ id }) => id).reduce((a, b) => (ledBy(b).length > ledBy(a).length ? b : a));
  const victim = present(await numberOf(cluster, most), "the leading node");
  const led = new Set(ledBy(most));
  const survivors = stores.filter((_, node) => node !== victim);
  const writers = Array.from(keys, ([shard, key]) => new ShardWriter(shard, key, survivors));
  const work = writers.map((writer) => writer.run());
  try {
    await delay(steadyMs);
    const killedAt = performance.now();
    await cluster.kill(victim);
    const endsAt = killedAt + serviceMsMax;
    while (writers.some((writer) => writer.backAfter(killedAt) === undefined)) {
      if (performance.now() > endsAt) throw new Error(`writes are not back after ${serviceMsMax} ms`);
      await delay(10);
    }
    await delay(steadyMs);
    const own = writers.filter(({ shard }) => led.has(shard));
    const others = writers.filter(({ shard }) => !led.has(shard));
    const longest = (fromMs: number, toMs: number): number | undefined =>
      others.length === 0
        ? undefined
        : Math.round(Math.max(...others.map((each) => each.longestMs(fromMs, toMs))));
    return {
      backMs: Math.round(Math.max(...own.map((writer) => writer.backAfter(killedAt) ?? 0))),
      otherMs: longest(killedAt, killedAt + steadyMs),
      otherBeforeMs: longest(killedAt - steadyMs, killedAt),
      led: led.size,
    };
  } finally {
    for (const writer of writers) writer.stop();
    await Promise.all(work);
    await cluster.start(victim);
    // The one that came back gets what it missed, and its share of the leaders.
    await delay(steadyMs);
  }
}

async function untilLed(store: Store): Promise<Cluster> {
  const endsAt = performance.now() + serviceMsMax;
  for (;;) {
    const cluster = await store.cluster().catch(() => undefined);
    const isWell =
      cluster?.shards.every(({ leader }) => leader !== undefined) === true &&
      cluster.nodes.every(({ state }) => state === "up");
    if (isWell) return cluster;
    if (performance.now() > endsAt) throw new Error(`not every shard is led after ${serviceMsMax} ms`);
    await delay(50);
  }
}

/** Writes to one shard, one write after another, through nodes in turns. */
class ShardWriter {
  readonly shard: number;
  readonly #key: string;
  readonly #stores: readonly Store[];
  /** When writes that succeeded began and ended. */
  readonly #served: { readonly beganMs: number; readonly endedMs: number }[] = [];
  #isOver = false;

  constructor(shard: number, key: string, stores: readonly Store[]) {
    this.shard = shard;
    this.#key = key;
    this.#stores = stores;
  }

  stop(): void {
    this.#isOver = true;
  }

  async run(): Promise<void> {
    for (let turn = this.shard; !this.#isOver; turn++) {
      const beganMs = performance.now();
      const store = this.#stores[turn % this.#stores.length];
      const signal = AbortSignal.timeout(callMsMax);
      const stored = await store
        ?.storeFile(`${bucket}/${this.#key}`, `write ${turn}`, { signal })
        .catch(() => undefined);
      if (stored !== undefined) this.#served.push({ beganMs, endedMs: performance.now() });
      await delay(stored === undefined ? 2 : 20);
    }
  }

  /** Until the first write that began after then was answered. */
  backAfter(killedAtMs: number): number | undefined {
    const first = this.#served.find(({ beganMs }) => beganMs >= killedAtMs);
    return first === undefined ? undefined : first.endedMs - killedAtMs;
  }

  /** Between the ends of two writes that succeeded, the second of them in this time; `toMs` ends it as well. */
  longestMs(fromMs: number, toMs: number): number {
    const ends = this.#served.map(({ endedMs }) => endedMs);
    const next = ends.findIndex((ms) => ms > fromMs);
    const seen = [ends[next - 1] ?? fromMs, ...ends.filter((ms) => ms > fromMs && ms <= toMs)];
    const open = ends.find((ms) => ms > toMs) ?? toMs;
    const all = [...seen, open];
    return Math.max(...all.map((ms, i) => ms - (all[i - 1] ?? ms)));
  }
}
