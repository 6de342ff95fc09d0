/**
 * Closes, in the shards that are led here, the epochs before a layout change (S3), and tells the system group of all of them
 * in one entry. From then on a shard takes no evidence of an older layout; when the last one has, the backfill may begin.
 */

import type { Epoch, ShardId } from "@holdfast/base";
import { AssertionError } from "@holdfast/base";
import type { Clock, Journal } from "@holdfast/ports";
import { closedEpochOf, layoutChange } from "@holdfast/shard";
import { Rounds } from "../maintenance/rounds.ts";
import { refusal } from "../refusal.ts";
import type { SystemPort } from "./layout-ports.ts";

export interface EpochCloserParts {
  readonly system: SystemPort;
  /** As far as this node knows. */
  readonly ledShards: () => readonly ShardId[];
  /** Resolves when `CloseEpoch(epoch)` is applied in the shard; fine if it has closed it, or a higher one, already. */
  readonly closeEpoch: (shard: ShardId, epoch: Epoch) => Promise<void>;
  readonly clock: Clock;
  readonly journal: Journal;
}

export class EpochCloser {
  readonly #parts: EpochCloserParts;
  readonly #intervalMs: number;
  readonly #rounds: Rounds;

  constructor(parts: EpochCloserParts, intervalMs: number) {
    this.#parts = parts;
    this.#intervalMs = intervalMs;
    this.#rounds = new Rounds(parts, "closing epochs", () => this.#round());
  }

  start(): void {
    this.#rounds.start(this.#intervalMs);
  }

  async stop(): Promise<void> {
    await this.#rounds.stop();
  }

  async #round(): Promise<number> {
    const { system, ledShards } = this.#parts;
    const change = layoutChange(system.state);
    if (change === undefined) return this.#intervalMs;
    const open = ledShards().filter((shard) => closedEpochOf(system.state, shard) < change);
    const tried = await Promise.all(open.map((shard) => this.#close(shard, change)));
    const shards = tried.filter((shard) => shard !== undefined);
    if (shards.length === 0) return this.#intervalMs;
    const result = await system.append({ kind: "closeShards", epoch: change, shards });
    if (result.kind === "refused") throw refusal(result.code, result.subject);
    return this.#intervalMs;
  }

  /** Undefined when it did not succeed: the next round, or the shard's next leader, tries again. */
  async #close(shard: ShardId, epoch: Epoch): Promise<ShardId | undefined> {
    try {
      await this.#parts.closeEpoch(shard, epoch);
      return shard;
    } catch (error) {
      if (error instanceof AssertionError) throw error;
      this.#parts.journal.info("epoch not closed", { shard, epoch, cause: String(error) });
      return undefined;
    }
  }
}
