/**
 * One block on its way to all its slots, under one layout.
 *
 *   decided: a quorum holds it durably; or it cannot be reached, or not in time; or there is a conflict. At once.
 *   settled: behind that, when nothing reads the body any more and every slot holds the block or stands in the durable
 *            list of incomplete blocks.
 *
 * A slot that is slow is waited for within bounds (`lingerMs`, and `cut`), one that failed is not waited for at all.
 */

import type { Epoch, NodeId } from "@holdfast/base";
import { blockIdText, epoch } from "@holdfast/base";
import type { Clock, Journal, Timer } from "@holdfast/ports";
import { sleep } from "@holdfast/ports";
import type { IncompleteBlocks } from "./incomplete-blocks.ts";
import type { NodeTrust } from "./node-trust.ts";
import type { BlockSlots } from "./placement.ts";
import { nodesOf } from "./placement.ts";
import { isStored } from "./quorum.ts";
import type { ReplicationLimits } from "./replication-limits.ts";
import type { ReplicationMetrics } from "./replication-metrics.ts";
import type { SlotAnswer, Standing } from "./slot-answer.ts";
import type { Fragment, Slots } from "./slots.ts";

export interface Holder {
  readonly node: NodeId;
  /** Of the volumes that hold the block (S3, S11). */
  readonly incarnation: Uint8Array;
}

/** Why a block counts as stored. */
export interface Evidence {
  /** The lowest under which a slot that counts took it; goes with the commit (S3). */
  readonly epoch: Epoch;
  /** Those that had it when the quorum was complete. */
  readonly holders: readonly Holder[];
}

export type WriteDecision =
  | { readonly kind: "stored"; readonly evidence: Evidence }
  | { readonly kind: "conflict"; readonly node: NodeId }
  /** No quorum: it was refused for being of an old layout. */
  | { readonly kind: "stale" }
  /** No quorum. Why each slot that lacks it does not count. */
  | { readonly kind: "short"; readonly reasons: ReadonlyMap<NodeId, string> };

export interface WriteParts {
  readonly slots: Slots;
  readonly incomplete: IncompleteBlocks;
  readonly trust: NodeTrust;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly metrics: ReplicationMetrics;
  readonly limits: ReplicationLimits;
}

export interface Written {
  readonly fragment: Fragment;
  readonly layout: BlockSlots;
  readonly width: number;
  /** From now. */
  readonly deadlineMs: number;
  /** Slots that hold it already: they count, and nothing is sent to them. */
  readonly holders?: ReadonlyMap<NodeId, Standing> | undefined;
}

/** Slots that said under an epoch that they hold a block. */
export interface KnownHolders {
  readonly epoch: Epoch;
  readonly holders: ReadonlyMap<NodeId, Standing>;
}

/** Trying again would give the same answer. */
const finalReasons: ReadonlySet<string> = new Set(["stale-epoch", "conflict", "no-space", "not-understood"]);

export class SlotWrites {
  readonly settled: Promise<void>;
  readonly #parts: WriteParts;
  readonly #written: Written;
  readonly #decided = Promise.withResolvers<WriteDecision>();
  readonly #holders: Map<NodeId, Standing>;
  /** Of those that do not hold it, what they said last. */
  readonly #reasons = new Map<NodeId, string>();
  /** Those that may still come to hold it. */
  readonly #open: Map<NodeId, AbortController>;
  /** Aborted with the decision: nobody tries again. */
  readonly #decision = new AbortController();
  #lingering: Timer | undefined;

  constructor(parts: WriteParts, written: Written) {
    this.#parts = parts;
    this.#written = written;
    this.#holders = new Map(written.holders);
    const lacking = nodesOf(written.layout).filter((node) => !this.#holders.has(node));
    this.#open = new Map(lacking.map((node) => [node, new AbortController()]));
    this.#decided.promise.catch(() => undefined); // `settled` tells of it too.
    this.settled = this.#run();
  }

  get decided(): Promise<WriteDecision> {
    return this.#decided.promise;
  }

  /** Gives up what can be given up; the slots that lack the block go to the list. */
  cut(): void {
    for (const [node, controller] of this.#open) {
      this.#parts.trust.onTrouble(node);
      controller.abort();
    }
  }

  async #run(): Promise<void> {
    const { clock } = this.#parts;
    const deadline = clock.after(this.#written.deadlineMs, () => this.#fail(true));
    try {
      this.#review();
      await Promise.all(Array.from(this.#open, ([node, { signal }]) => this.#serve(node, signal)));
    } catch (error) {
      this.#decided.reject(error);
      throw error;
    } finally {
      deadline.cancel();
      this.#lingering?.cancel();
    }
  }

  async #serve(node: NodeId, signal: AbortSignal): Promise<void> {
    await this.#write(node, signal);
    this.#open.delete(node);
    this.#review();
    const decision = await this.decided;
    const isIncomplete =
      decision.kind === "stored" && !this.#holders.has(node) && this.#reasons.get(node) !== "conflict";
    if (isIncomplete) await this.#remember(node);
  }

  async #write(node: NodeId, signal: AbortSignal): Promise<void> {
    const { slots, clock, limits } = this.#parts;
    const { fragment, layout } = this.#written;
    for (let pauseMs = limits.retryMsMin; ; pauseMs = Math.min(limits.retryMsMax, 2 * pauseMs)) {
      const end = { deadlineMs: limits.attemptMs, signal };
      const answer = await slots.put(node, fragment, layout.epoch, end);
      this.#note(node, answer);
      if (answer.kind === "done" || finalReasons.has(answer.reason) || this.#decision.signal.aborted) return;
      await sleep(clock, pauseMs, this.#decision.signal);
      if (this.#decision.signal.aborted) return;
    }
  }

  #note(node: NodeId, answer: SlotAnswer<undefined>): void {
    if (answer.kind === "done") {
      this.#holders.set(node, answer.standing);
      this.#reasons.delete(node);
      this.#review();
      return;
    }
    this.#reasons.set(node, answer.reason);
    // Others follow a newer layout: waiting for who does not answer under this one would help nobody.
    if (answer.reason === "stale-epoch") return this.#decide({ kind: "stale" });
    if (answer.reason !== "conflict") return;
    // S1: an id names one body for ever. Even a quorum of this one does not make the other one go away.
    const { journal, metrics } = this.#parts;
    journal.error("block conflict", { block: blockIdText(this.#written.fragment.id), node });
    metrics.conflicts.add(1);
    this.#decide({ kind: "conflict", node });
  }

  #review(): void {
    const { layout, width } = this.#written;
    const holds = (node: NodeId): boolean => this.#holders.has(node);
    if (isStored(layout, width, holds)) this.#decide({ kind: "stored", evidence: this.#evidence() });
    else if (!isStored(layout, width, (node) => holds(node) || this.#open.has(node))) this.#fail(false);
  }

  #fail(isLate: boolean): void {
    const reasons = new Map(this.#reasons);
    if (isLate) for (const node of this.#open.keys()) if (!reasons.has(node)) reasons.set(node, "no answer");
    for (const node of this.#holders.keys()) reasons.delete(node);
    const isStale = [...reasons.values()].includes("stale-epoch");
    this.#decide(isStale ? { kind: "stale" } : { kind: "short", reasons });
  }

  /** The first decision counts. */
  #decide(decision: WriteDecision): void {
    if (this.#decision.signal.aborted) return;
    this.#decision.abort();
    this.#decided.resolve(decision);
    if (decision.kind === "stored") this.#linger();
    else for (const controller of this.#open.values()) controller.abort();
  }

  /** A node that is silent anyway is not waited for. */
  #linger(): void {
    const { clock, trust, limits } = this.#parts;
    for (const [node, controller] of this.#open) if (trust.isInDoubt(node)) controller.abort();
    this.#lingering = clock.after(limits.lingerMs, () => this.cut());
  }

  #evidence(): Evidence {
    const holders = Array.from(this.#holders, ([node, { incarnation }]) => ({ node, incarnation }));
    const epochs = Array.from(this.#holders.values(), (standing) => standing.epoch);
    // A server that has moved on meanwhile took it under the epoch that it was asked under.
    return { epoch: epoch(Math.min(this.#written.layout.epoch, ...epochs)), holders };
  }

  async #remember(node: NodeId): Promise<void> {
    const { incomplete, journal } = this.#parts;
    const { fragment, width } = this.#written;
    try {
      await incomplete.add({ node, id: fragment.id, width });
    } catch (cause) {
      // The block has its quorum. What it lacks is not made up for until a reader, or a change of the layout, comes past it.
      const fields = { block: blockIdText(fragment.id), node, cause: String(cause) };
      journal.error("incomplete block not listed", fields);
    }
  }
}
