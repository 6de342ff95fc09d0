/**
 * Gives back what nobody refers to any more, in the background and in small steps:
 *   - reference drops that a shard owes another one (S5): told there, then settled here;
 *   - dead contents, once no reader can still be at them (S6): blocks erased first, then the records;
 *   - references of copies that were cut off before their commit (S5): the copy's own shard says that none will come;
 *   - blocks that no record knows (S4): those of attempts that closed without a commit. Their home shard decides, never
 *     their age.
 * Every step is idempotent, and a crash between two repeats one.
 */

import type { ContentId, ShardId } from "@holdfast/base";
import type { BlockStore } from "@holdfast/blocks";
import type { Content, CopiedReference, PendingDrop } from "@holdfast/namespace";
import { clusterTimeMs, copiedReferences, deadContents, pendingDrops } from "@holdfast/namespace";
import type { Clock, Journal, Metrics } from "@holdfast/ports";
import { allMetrics, sleep, turn } from "@holdfast/ports";
import { referenceStatus, streamStatus } from "@holdfast/shard";
import type { ShardReplica } from "../shard-replica.ts";
import { DeathWatch } from "./death-watch.ts";

const endOfTime: number = Number.MAX_SAFE_INTEGER;
const dropsPerStep = 200;
/** Of a scan, before requests have their turn. */
const contentsPerStep = 50;
/** Erased together, with one sync of the volume for all: one by one a million contents would take hours. */
const erasedPerStep = 200;
const referencesPerStep = 1000;

export interface CollectorOptions {
  readonly intervalMs: number;
  /** How long dead content stays readable (S6). */
  readonly readerGraceMs: number;
  /** Rounds between two scans of all blocks. */
  readonly roundsPerScan: number;
  readonly metrics: Metrics;
}

export class Collector {
  readonly #shards: readonly ShardReplica[];
  readonly #blocks: BlockStore;
  readonly #clock: Clock;
  readonly #journal: Journal;
  readonly #options: CollectorOptions;
  readonly #stop = new AbortController();
  readonly #deaths: readonly DeathWatch[];
  #running: Promise<void> = Promise.resolve();

  constructor(
    shards: readonly ShardReplica[],
    blocks: BlockStore,
    clock: Clock,
    journal: Journal,
    options: CollectorOptions,
  ) {
    this.#shards = shards;
    this.#blocks = blocks;
    this.#clock = clock;
    this.#journal = journal;
    this.#options = options;
    this.#deaths = shards.map(() => new DeathWatch(options.readerGraceMs));
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    for (let round = 1; !this.#stop.signal.aborted; round++) {
      await sleep(this.#clock, this.#options.intervalMs, this.#stop.signal);
      if (this.#stop.signal.aborted) return;
      try {
        await this.collect(round % this.#options.roundsPerScan === 0);
      } catch (cause) {
        this.#options.metrics.counter(allMetrics.collectionFailures, {}).add(1);
        this.#journal.warn("collection interrupted", { cause: String(cause) });
      }
    }
  }

  /** One round; with `scan`, over all blocks too. */
  async collect(scan: boolean): Promise<void> {
    const begunAtMs = this.#clock.monotonicMs();
    await this.#collect(scan);
    const seconds = (this.#clock.monotonicMs() - begunAtMs) / 1000;
    this.#options.metrics.histogram(allMetrics.collectionDuration, {}).observe(seconds);
  }

  async #collect(scan: boolean): Promise<void> {
    for (const shard of this.#shards) {
      if (this.#stop.signal.aborted) return;
      await shard.writer.publish();
      await this.#passDrops(shard);
      await this.#eraseDead(shard, this.#deaths[shard.id]);
    }
    if (!scan) return;
    for (const shard of this.#shards) await this.#dropAbandoned(shard);
    await this.#eraseUnknown();
  }

  /** All that are owed now, in steps: more may come in while they go. */
  async #passDrops(shard: ShardReplica): Promise<void> {
    for (;;) {
      const drops = pendingDrops(shard.localState, dropsPerStep);
      let settled = 0;
      for (const [home, items] of byHome(drops)) {
        const target = this.#shards[home];
        if (target === undefined) continue;
        await target.propose({
          kind: "dropReferences",
          drops: items.map(({ content, reference }) => ({ content, reference })),
        });
        await shard.propose({ kind: "settleDrops", sequences: items.map((item) => item.sequence) });
        settled += items.length;
      }
      if (settled < dropsPerStep || this.#stop.signal.aborted) return;
    }
  }

  async #eraseDead(shard: ShardReplica, deaths: DeathWatch | undefined): Promise<void> {
    const state = shard.localState;
    // What died in the last entry of an idle shard waits for another entry that is later.
    if (
      deadContents(state, clusterTimeMs(state), 1).length === 0 &&
      deadContents(state, endOfTime, 1).length > 0
    )
      await shard.writer.publish("always");
    const nowMs = this.#clock.monotonicMs();
    deaths?.look(nowMs, clusterTimeMs(state));
    const deadBeforeMs = deaths?.pastGrace(nowMs);
    if (deadBeforeMs === undefined) return;
    // To the last one: what a round leaves behind would grow without bound under load.
    while (!this.#stop.signal.aborted) {
      const contents = deadContents(state, deadBeforeMs, erasedPerStep);
      if (contents.length === 0) return;
      await Promise.all(contents.map((content) => this.#eraseParts(content)));
      await shard.propose({ kind: "forgetContents", contents: contents.map((content) => content.id) });
    }
  }

  /** One by one: there may be ten thousand. */
  async #eraseParts({ id, parts }: Content): Promise<void> {
    for (const { writer, attempt } of parts) await this.#erase({ home: id.home, writer, attempt });
  }

  async #dropAbandoned(shard: ShardReplica): Promise<void> {
    let from: Uint8Array | undefined;
    do {
      if (this.#stop.signal.aborted) return;
      const { items, next } = copiedReferences(shard.localState, { from, limit: referencesPerStep });
      const drops: CopiedReference[] = [];
      for (const drop of items) {
        const destination = this.#shards[drop.reference.home];
        if (destination === undefined) continue;
        if (referenceStatus(await destination.read(), drop.reference) === "gone") drops.push(drop);
      }
      if (drops.length > 0) await shard.propose({ kind: "dropReferences", drops });
      from = next;
    } while (from !== undefined);
  }

  async #erase(stream: ContentId): Promise<void> {
    const { blocks, bytes } = await this.#blocks.erase(stream);
    this.#options.metrics.counter(allMetrics.collectedBlocks, {}).add(blocks);
    this.#options.metrics.counter(allMetrics.collectedBytes, {}).add(bytes);
  }

  async #eraseUnknown(): Promise<void> {
    let after: ContentId | undefined;
    for (;;) {
      const streams = this.#blocks.contents(after, contentsPerStep);
      const garbage: ContentId[] = [];
      for (const stream of streams) {
        if (this.#stop.signal.aborted) return;
        const home = this.#shards[stream.home];
        if (home === undefined) continue;
        if (streamStatus(await home.read(), stream.writer, stream.attempt) === "garbage")
          garbage.push(stream);
      }
      await Promise.all(garbage.map((stream) => this.#erase(stream)));
      after = streams.at(-1);
      if (after === undefined) return;
      // While nothing is garbage nothing above waits for the disk: a scan of all blocks must not hold up requests.
      await turn(this.#clock);
    }
  }
}

function byHome(drops: readonly PendingDrop[]): ReadonlyMap<ShardId, readonly PendingDrop[]> {
  const groups = new Map<ShardId, PendingDrop[]>();
  for (const drop of drops) {
    const group = groups.get(drop.content.home);
    if (group === undefined) groups.set(drop.content.home, [drop]);
    else group.push(drop);
  }
  return groups;
}
