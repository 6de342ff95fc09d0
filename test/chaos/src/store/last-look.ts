/** All faults are healed and nobody works any more: every node shows the same, everything is in its place, and nothing is damaged. */

import { setTimeout as delay } from "node:timers/promises";
import { StoreError } from "@holdfast/base";
import type { Cluster, ClusterStatus, Store } from "@holdfast/client";
import type { Operation, Value } from "@holdfast/linearizability";
import type { Contents } from "./contents.ts";

export interface LastLookOptions {
  readonly stores: readonly Store[];
  readonly bucket: string;
  readonly keys: readonly string[];
  readonly contents: Contents;
  readonly nowMs: () => number;
  readonly record: (operation: Operation) => void;
  readonly problem: (text: string) => void;
}

/** Repair of blocks that a slot lacks goes on for a while. */
const wellMsMax = 90_000;
const scrubMsMax = 60_000;
const lookMs = 250;

export async function lastLook(options: LastLookOptions): Promise<void> {
  await readAll(options);
  await listAll(options);
  await untilWell(options);
  await untilSound(options);
  await checkAll(options);
}

/** Every key through every node; the history judges whether they agree. */
async function readAll({
  stores,
  bucket,
  keys,
  contents,
  nowMs,
  record,
  problem,
}: LastLookOptions): Promise<void> {
  for (const key of keys) {
    for (const [node, store] of stores.entries()) {
      const called = nowMs();
      const seen = await readOne(store, `${bucket}/${key}`);
      const value = seen?.etag ?? null;
      record({ client: `last-${node}`, key, kind: "read", value, called, returned: nowMs() });
      if (seen === undefined) continue;
      const wrong = contents.problemOf(seen.etag, seen.bytes);
      if (wrong !== undefined) problem(`at the end ${key} through node ${node}: ${wrong}`);
    }
  }
}

async function readOne(
  store: Store,
  name: string,
): Promise<{ readonly etag: string; readonly bytes: Uint8Array } | undefined> {
  try {
    const reading = await store.readFile(name);
    return { etag: reading.etag, bytes: await reading.bytes() };
  } catch (error) {
    if (error instanceof StoreError && error.code === "FileNotFound") return undefined;
    throw error;
  }
}

async function listAll({ stores, bucket, keys, nowMs, record }: LastLookOptions): Promise<void> {
  for (const [node, store] of stores.entries()) {
    const called = nowMs();
    const found = new Map<string, Value>();
    for await (const entry of store.listFiles(bucket))
      if (entry.kind === "file") found.set(entry.name.slice(bucket.length + 1), entry.etag);
    for (const key of keys) {
      const value = found.get(key) ?? null;
      record({ client: `last-${node}`, key, kind: "read", value, called, returned: nowMs() });
    }
  }
}

async function untilWell({ stores, nowMs, problem }: LastLookOptions): Promise<void> {
  const endsAt = nowMs() + wellMsMax;
  for (const [node, store] of stores.entries()) {
    for (;;) {
      const wrong = [...wrongWith(await store.cluster()), ...wrongClock(await store.status())];
      if (wrong.length === 0) break;
      if (nowMs() > endsAt) {
        problem(`node ${node} says after ${wellMsMax} ms without faults: ${wrong.join("; ")}`);
        break;
      }
      await delay(lookMs);
    }
  }
}

/** As `holdfast cluster status` judges, as far as it concerns this cluster. */
function wrongWith({ nodes, system, shards, partitions, repairQueue }: Cluster): readonly string[] {
  const groups = [system, ...shards];
  const leaderless = groups.filter(({ leader }) => leader === undefined).length;
  const short = groups.filter(({ voters }) => voters.length < nodes.length).length;
  return [
    ...nodes.filter(({ state }) => state === "down").map(({ id }) => `node ${id} is down`),
    ...(leaderless === 0 ? [] : [`${leaderless} groups without a leader`]),
    ...(short === 0 ? [] : [`${short} groups without all voters`]),
    ...(partitions.joint === 0 ? [] : [`${partitions.joint} partitions are moving`]),
    ...(repairQueue === 0 ? [] : [`${repairQueue} blocks lack a slot`]),
  ];
}

function wrongClock({ clock }: ClusterStatus): readonly string[] {
  return clock.standing === "together" ? [] : [`its clock is ${clock.standing}`];
}

/** A scrub of each node; what it found damaged is healed from the others, which a second one shows. */
async function untilSound(options: LastLookOptions): Promise<void> {
  for (const [node, store] of options.stores.entries()) {
    const first = await scrub(options, store);
    if (first.damagedBlocks === 0 && first.stateProblems.length === 0) continue;
    for (const state of first.stateProblems) options.problem(`node ${node}, scrub: ${state}`);
    await delay(1000);
    await untilWell(options);
    const second = await scrub(options, store);
    if (second.damagedBlocks > 0)
      options.problem(
        `node ${node}: ${first.damagedBlocks} damaged blocks, after a scrub ${second.damagedBlocks}`,
      );
  }
}

interface Scrubbed {
  readonly damagedBlocks: number;
  readonly stateProblems: readonly string[];
}

async function scrub({ nowMs }: LastLookOptions, store: Store): Promise<Scrubbed> {
  const askedAtMs = (await store.status()).wallMs;
  await store.startScrub();
  const endsAt = nowMs() + scrubMsMax;
  for (;;) {
    const { running, last } = await store.scrubStatus();
    if (running === undefined && last !== undefined && last.startedAtMs >= askedAtMs) return last;
    if (nowMs() > endsAt) throw new Error(`a scrub did not end in ${scrubMsMax} ms`);
    await delay(lookMs);
  }
}

/** With as many nodes as slots every node has every block: a check of each by itself has to find nothing. */
async function checkAll({ stores, problem }: LastLookOptions): Promise<void> {
  for (const [node, store] of stores.entries())
    for await (const event of store.fsck({ deep: true }))
      if (event.kind === "problem") problem(`node ${node}, fsck: ${event.problem}: ${event.message}`);
}
