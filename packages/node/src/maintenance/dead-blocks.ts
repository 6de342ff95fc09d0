/**
 * Dead contents of one shard (S6). Each node with a replica erases the blocks that it has itself, when by its own watch no reader
 * can be at them any more; for ever is what "dead" means, so that the state here suffices. Only then, and when the others have had
 * time to do the same, does the shard's leader have the records forgotten: from then on the scan of all blocks is the authority.
 *
 * The watch need not begin anew with a new leader: it goes by what this replica itself saw dead, however long that is ago.
 */

import type { ContentId } from "@holdfast/base";
import type { Content } from "@holdfast/namespace";
import { clusterTimeMs, deadContents } from "@holdfast/namespace";
import type { Clock, StateReader } from "@holdfast/ports";
import { turn } from "@holdfast/ports";
import type { ShardCommand } from "@holdfast/shard";
import { DeathWatch } from "./death-watch.ts";

const endOfTime: number = Number.MAX_SAFE_INTEGER;
/** Erased together, with one sync of the volume for all: one by one a million contents would take hours. */
const contentsPerStep = 200;

export interface DeadBlocksParts {
  readonly state: StateReader;
  /** Forgets all blocks of a stream that are on this node. */
  readonly erase: (stream: ContentId) => Promise<void>;
  readonly propose: (command: ShardCommand) => Promise<unknown>;
  readonly leads: () => boolean;
  readonly clock: Clock;
  /** Aborted when the node stops. */
  readonly stopping: AbortSignal;
}

export interface DeadBlocksTimes {
  /** How long dead content stays readable. */
  readonly readerGraceMs: number;
  /** How long the records are kept behind that, for the other nodes. */
  readonly forgetDelayMs: number;
}

export class DeadBlocks {
  readonly #parts: DeadBlocksParts;
  readonly #deaths: DeathWatch;
  /** Of what is erased here. */
  readonly #erasures: DeathWatch;
  /** Blocks of contents that died before this cluster time are erased here. */
  #erasedBeforeMs = 0;

  constructor(parts: DeadBlocksParts, { readerGraceMs, forgetDelayMs }: DeadBlocksTimes) {
    this.#parts = parts;
    this.#deaths = new DeathWatch(readerGraceMs);
    this.#erasures = new DeathWatch(forgetDelayMs);
  }

  /** Something is dead, and its death is the last thing that the shard knows of: its time has to go on. */
  get waitsForTime(): boolean {
    const { state } = this.#parts;
    return (
      deadContents(state, clusterTimeMs(state), 1).length === 0 &&
      deadContents(state, endOfTime, 1).length > 0
    );
  }

  /** To the last one: what a round leaves behind would grow without bound under load. */
  async erase(): Promise<void> {
    const { state, clock, stopping } = this.#parts;
    const nowMs = clock.monotonicMs();
    this.#deaths.look(nowMs, clusterTimeMs(state));
    const deadBeforeMs = this.#deaths.pastGrace(nowMs) ?? 0;
    let from: number | Content = this.#erasedBeforeMs;
    while (from !== undefined && !stopping.aborted) {
      const contents: readonly Content[] = deadContents(state, deadBeforeMs, contentsPerStep, from);
      await Promise.all(contents.map((content) => this.#eraseParts(content)));
      const last = contents.at(-1);
      if (last === undefined) {
        // Deaths to come are not before this time.
        this.#erasedBeforeMs = Math.max(this.#erasedBeforeMs, deadBeforeMs);
        return;
      }
      from = last;
      await turn(clock);
    }
  }

  /** On the leader. `isAlone`: no other node has blocks that would have to be erased first. */
  async forget(isAlone: boolean): Promise<void> {
    const { state, clock, propose, leads, stopping } = this.#parts;
    const nowMs = clock.monotonicMs();
    this.#erasures.look(nowMs, this.#erasedBeforeMs);
    const deadBeforeMs = isAlone ? this.#erasedBeforeMs : (this.#erasures.pastGrace(nowMs) ?? 0);
    while (leads() && !stopping.aborted) {
      const contents = deadContents(state, deadBeforeMs, contentsPerStep);
      if (contents.length === 0) return;
      await propose({ kind: "forgetContents", contents: contents.map(({ id }) => id) });
    }
  }

  /** One by one: there may be ten thousand. */
  async #eraseParts({ id, parts }: Content): Promise<void> {
    for (const { writer, attempt } of parts) await this.#parts.erase({ home: id.home, writer, attempt });
  }
}
