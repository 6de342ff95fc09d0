/**
 * Gives back what nobody refers to any more, in the background and in small steps. Every node does for itself:
 *   - blocks of dead contents that it has, once no reader can still be at them (S6): dead-blocks.ts;
 *   - blocks that no record knows (S4): those of attempts that closed without a commit, and whatever the other ways missed:
 *     unknown-blocks.ts.
 * A shard's leader does, for all:
 *   - reference drops that the shard owes another one (S5), and references of copies that were cut off: references.ts;
 *   - the records of dead contents, behind their blocks;
 *   - writers of nodes that are gone: silent-writers.ts.
 * Every step is idempotent: a crash between two repeats one, and so do two nodes that both take themselves for the leader.
 */

import type { ContentId } from "@holdfast/base";
import type { BlockStore } from "@holdfast/blocks";
import type { Clock, Journal, Metrics } from "@holdfast/ports";
import { allMetrics, sleep } from "@holdfast/ports";
import type { ShardReplica } from "../shard-replica.ts";
import { Attempts } from "./attempts.ts";
import { DeadBlocks } from "./dead-blocks.ts";
import { dropAbandoned, passDrops } from "./references.ts";
import { SilentWriters } from "./silent-writers.ts";
import { eraseUnknown } from "./unknown-blocks.ts";

export interface CollectorParts {
  readonly shards: readonly ShardReplica[];
  readonly blocks: BlockStore;
  readonly nodes: CollectedNodes;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly metrics: Metrics;
}

/** The nodes whose leftovers are collected. */
export interface CollectedNodes {
  /** The cluster has no other node than this one. */
  isAlone(): boolean;
  /** The node is one of the cluster's and was heard of lately. */
  isLive(node: string): boolean;
}

export interface CollectorOptions {
  readonly intervalMs: number;
  /** How long dead content stays readable (S6). */
  readonly readerGraceMs: number;
  /** Rounds between two scans of all blocks. */
  readonly roundsPerScan: number;
  /** A writer that sent nothing for so long says that it lives. */
  readonly publishMs: number;
  /** A writer of a node that is gone is closed after so long a silence. */
  readonly silentMs: number;
}

interface Collected {
  readonly shard: ShardReplica;
  readonly dead: DeadBlocks;
  readonly silent: SilentWriters;
}

export class Collector {
  readonly #parts: CollectorParts;
  readonly #options: CollectorOptions;
  readonly #stop = new AbortController();
  readonly #collected: readonly Collected[];
  #running: Promise<void> = Promise.resolve();

  constructor(parts: CollectorParts, options: CollectorOptions) {
    this.#parts = parts;
    this.#options = options;
    const { readerGraceMs, intervalMs, silentMs } = options;
    // The others notice a death up to this much later, and erase in their next round.
    const forgetDelayMs = readerGraceMs / 16 + 2 * intervalMs;
    const stopping = this.#stop.signal;
    const erase = (stream: ContentId): Promise<void> => this.#erase(stream);
    this.#collected = parts.shards.map((shard) => {
      const ofShard = {
        state: shard.localState,
        propose: shard.propose.bind(shard),
        leads: () => shard.leads,
      };
      const dead = new DeadBlocks(
        { ...ofShard, erase, clock: parts.clock, stopping },
        { readerGraceMs, forgetDelayMs },
      );
      return { shard, dead, silent: new SilentWriters(silentMs) };
    });
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, journal, metrics } = this.#parts;
    for (let round = 1; !this.#stop.signal.aborted; round++) {
      await sleep(clock, this.#options.intervalMs, this.#stop.signal);
      if (this.#stop.signal.aborted) return;
      try {
        await this.collect(round % this.#options.roundsPerScan === 0);
      } catch (cause) {
        metrics.counter(allMetrics.collectionFailures, {}).add(1);
        journal.warn("collection interrupted", { cause: String(cause) });
      }
    }
  }

  /** One round; with `scan`, over all blocks too. What fails for one shard is done for the others, and thrown at the end. */
  async collect(scan: boolean): Promise<void> {
    const { clock, metrics } = this.#parts;
    const begunAtMs = clock.monotonicMs();
    const attempts = new Attempts(this.#stop.signal);
    await this.#collect(scan, attempts);
    const seconds = (clock.monotonicMs() - begunAtMs) / 1000;
    metrics.histogram(allMetrics.collectionDuration, {}).observe(seconds);
    attempts.end();
  }

  async #collect(scan: boolean, attempts: Attempts): Promise<void> {
    const { shards, blocks, clock } = this.#parts;
    for (const collected of this.#collected) {
      if (attempts.isOver) return;
      if (!collected.shard.leads) collected.silent.onNotLeading();
      await attempts.make(() => this.#publish(collected.shard));
      await attempts.make(() => this.#collectDead(collected, attempts));
    }
    if (!scan) return;
    for (const { shard, silent } of this.#collected) {
      if (attempts.isOver) return;
      await attempts.make(() => this.#closeSilent(shard, silent));
      await dropAbandoned(shard, shards, attempts);
    }
    const erase = (stream: ContentId): Promise<void> => this.#erase(stream);
    await eraseUnknown({ shards, blocks, erase, clock }, attempts);
  }

  /** Of this node's own writer, which may not be open yet: what is closed, and at times that it lives. */
  async #publish(shard: ShardReplica): Promise<void> {
    if (!shard.hasWriter) return;
    const { writer } = shard;
    await writer.publish(writer.silentMs >= this.#options.publishMs ? "always" : "needed");
  }

  async #collectDead({ shard, dead }: Collected, attempts: Attempts): Promise<void> {
    if (shard.leads) {
      await passDrops(shard, this.#parts.shards, attempts);
      if (dead.waitsForTime && shard.hasWriter) await shard.writer.publish("always");
    }
    if (!shard.isHere) return;
    await dead.erase();
    if (shard.leads) await dead.forget(this.#parts.nodes.isAlone());
  }

  async #closeSilent(shard: ShardReplica, silent: SilentWriters): Promise<void> {
    if (!shard.leads) return;
    const { nodes, clock, journal } = this.#parts;
    const isLive = (node: string): boolean => nodes.isLive(node);
    for (const { writer, node } of silent.look(shard.localState, clock.monotonicMs(), isLive)) {
      await shard.propose({ kind: "closeWriter", writer });
      journal.info("silent writer closed", { shard: shard.id, writer, node });
    }
  }

  async #erase(stream: ContentId): Promise<void> {
    const { blocks, metrics } = this.#parts;
    const erased = await blocks.erase(stream);
    metrics.counter(allMetrics.collectedBlocks, {}).add(erased.blocks);
    metrics.counter(allMetrics.collectedBytes, {}).add(erased.bytes);
  }
}
