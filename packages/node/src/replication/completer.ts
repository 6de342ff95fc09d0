/**
 * Works off the list of incomplete blocks, in the background: each slot that lacks a block gets it from one that has it.
 *
 *   - The content's home shard is asked first whether it may exist (S7): what is dead is not copied, its entry goes.
 *   - A node that is silent, full or busy is left in peace for a while that doubles; the others need not wait for it.
 *   - Copying keeps to a rate: foreground first.
 *
 * Every step may be repeated: a block is put again as often as one likes.
 */

import type { BlockId, ContentId, NodeId } from "@holdfast/base";
import { AssertionError, blockIdText, contentIdText } from "@holdfast/base";
import type { Journal, Metrics } from "@holdfast/ports";
import { sleep } from "@holdfast/ports";
import { Pace } from "../maintenance/pace.ts";
import type { IncompleteBlock, IncompleteBlocks } from "./incomplete-blocks.ts";
import { NodeTrust } from "./node-trust.ts";
import type { BlockSlots, Placement } from "./placement.ts";
import { nodesOf } from "./placement.ts";
import type { ReadParts } from "./replicated-read.ts";
import { readFromSlots } from "./replicated-read.ts";
import { ReplicationMetrics } from "./replication-metrics.ts";
import type { FragmentStat, SlotAnswer } from "./slot-answer.ts";
import { reasonsText } from "./slot-answer.ts";

export interface CompleterParts extends ReadParts {
  readonly placement: Placement;
  readonly incomplete: IncompleteBlocks;
  readonly journal: Journal;
  readonly metrics: Metrics;
  /** The content's home shard, by linearizable read: whether the content is live, or may still be committed. */
  readonly mayExist: (content: ContentId) => Promise<boolean>;
}

export interface CompleterOptions {
  readonly intervalMs: number;
  /** Of copied blocks. */
  readonly bytesPerSecondMax: number;
}

/** Entries in one step; a content is asked about once in each. */
const entriesPerStep = 64;

type Outcome = "copied" | "in-place" | "dropped" | "left" | "trouble";

export class Completer {
  readonly #parts: CompleterParts;
  readonly #options: CompleterOptions;
  readonly #metrics: ReplicationMetrics;
  readonly #stop = new AbortController();
  readonly #pace: Pace;
  /** Apart from whether it answers: a full node answers every question. */
  readonly #ability: NodeTrust;
  #running: Promise<void> = Promise.resolve();

  constructor(parts: CompleterParts, options: CompleterOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#metrics = new ReplicationMetrics(parts.metrics);
    this.#pace = new Pace(parts.clock, this.#stop.signal);
    this.#ability = new NodeTrust(parts.clock, parts.limits);
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Between two blocks. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, journal } = this.#parts;
    while (!this.#stop.signal.aborted) {
      await sleep(clock, this.#options.intervalMs, this.#stop.signal);
      try {
        await this.#round();
      } catch (cause) {
        if (cause instanceof AssertionError) throw cause;
        journal.warn("completing blocks interrupted", { cause: String(cause) });
      }
    }
  }

  /** One look at each entry whose node is not in doubt. */
  async #round(): Promise<void> {
    const { incomplete, trust } = this.#parts;
    const isAble = (node: NodeId): boolean => !trust.isInDoubt(node) && !this.#ability.isInDoubt(node);
    for (const node of incomplete.nodes()) {
      let after: BlockId | undefined;
      while (isAble(node) && !this.#stop.signal.aborted) {
        const entries = incomplete.of(node, after, entriesPerStep);
        after = entries.at(-1)?.id;
        if (after === undefined) break;
        await this.#completeAll(node, entries);
      }
    }
  }

  async #completeAll(node: NodeId, entries: readonly IncompleteBlock[]): Promise<void> {
    const answers = new Map<string, boolean | undefined>();
    for (const entry of entries) {
      if (this.#stop.signal.aborted) return;
      const name = contentIdText(entry.id.content);
      if (!answers.has(name)) answers.set(name, await this.#mayExist(entry.id.content));
      const outcome = await this.#judge(entry, answers.get(name));
      if (outcome === "trouble") return this.#ability.onTrouble(node);
      if (outcome === "left") continue;
      if (outcome === "copied") this.#ability.onAnswer(node);
      await this.#parts.incomplete.remove(entry);
      this.#metrics.completed[outcome].add(1);
    }
  }

  #judge(entry: IncompleteBlock, mayExist: boolean | undefined): Outcome | Promise<Outcome> {
    if (mayExist === undefined) return "left";
    return mayExist ? this.#complete(entry) : "dropped";
  }

  /** Undefined when nobody can say now; the other contents need not wait for that. */
  async #mayExist(content: ContentId): Promise<boolean | undefined> {
    try {
      return await this.#parts.mayExist(content);
    } catch (error) {
      if (error instanceof AssertionError) throw error;
      const fields = { content: contentIdText(content), cause: String(error) };
      this.#parts.journal.info("content not known to be live", fields);
      return undefined;
    }
  }

  /** Where the layout has moved on, its slots of today are what counts. */
  async #complete({ node, id, width }: IncompleteBlock): Promise<Outcome> {
    const layout = this.#parts.placement.slotsOf(id, width);
    const nodes = nodesOf(layout);
    if (nodes.includes(node)) return this.#copyTo(node, id, layout);
    const outcomes: Outcome[] = [];
    for (const each of nodes) outcomes.push(await this.#copyTo(each, id, layout));
    // Trouble of other nodes is none of this one.
    if (outcomes.some((outcome) => outcome === "trouble" || outcome === "left")) return "left";
    return outcomes.includes("copied") ? "copied" : "in-place";
  }

  async #copyTo(node: NodeId, id: BlockId, layout: BlockSlots): Promise<Outcome> {
    const { slots, limits, journal } = this.#parts;
    const end = { deadlineMs: limits.attemptMs, signal: this.#stop.signal };
    const asked = await slots.stat(node, [id], layout.epoch, end);
    if (asked.kind !== "done") return outcomeOf(asked);
    if (isWhole(asked.value[0])) return "in-place";
    const { block, reasons } = await readFromSlots(this.#parts, id, layout, limits.readDeadlineMs, node);
    if (block === undefined) {
      const fields = { block: blockIdText(id), node, reasons: reasonsText(reasons) };
      journal.warn("incomplete block in no other slot", fields);
      return "left";
    }
    const { body, checksum } = block;
    const put = await slots.put(node, { id, body, checksum }, layout.epoch, end);
    slots.frames.recycle(body);
    await this.#pace.worked(body.length, this.#options.bytesPerSecondMax);
    if (put.kind === "done") return "copied";
    if (put.reason !== "conflict") return outcomeOf(put);
    // S1: both bodies must not live, and which is the right one is not decided here.
    journal.error("block conflict", { block: blockIdText(id), node });
    this.#metrics.conflicts.add(1);
    return "dropped";
  }
}

function isWhole(stat: FragmentStat | undefined): boolean {
  return stat?.state === "whole";
}

/** A layout that moved on is nobody's trouble: the next round knows it. */
function outcomeOf(answer: Exclude<SlotAnswer<unknown>, { readonly kind: "done" }>): "left" | "trouble" {
  return answer.reason === "stale-epoch" || answer.reason === "given-up" ? "left" : "trouble";
}
