/**
 * Moves the layout towards what the nodes' records say: on the leader of the system group, one change after the other.
 *
 *   - Nodes that joined come in together, once none has joined for a while: three nodes that are started cost one change.
 *   - Draining nodes give away what they have. They leave the layout with the next change behind that, and may be removed then.
 *   - There is a table for each redundancy that a bucket ever had, and for those that the number of nodes makes possible. Of the
 *     latter, one that was never used goes when nodes leave; any other stays: content keeps what it was written with.
 *   - While partitions are joint nothing is proposed. Whoever cannot wait for them takes the change back (`revertLayout`).
 */

import type { NodeId } from "@holdfast/base";
import { encode } from "@holdfast/base";
import { clusterTimeMs } from "@holdfast/namespace";
import type { Clock, Journal, StateReader } from "@holdfast/ports";
import type { Layout, LayoutRefusal, Member } from "@holdfast/ring";
import { layoutCodec, nextLayout, tablesMax, widthMax } from "@holdfast/ring";
import type { NodeRecord } from "@holdfast/shard";
import { findLayout, layoutChange, listNodes, usedWidths } from "@holdfast/shard";
import { Rounds } from "../maintenance/rounds.ts";
import type { SystemPort } from "./layout-ports.ts";

export type NextStep =
  | { readonly kind: "nothing" }
  /** What somebody, or time, has to change first. */
  | { readonly kind: "wait"; readonly reason: string }
  | { readonly kind: "set-layout"; readonly layout: Layout };

/** Cluster time without a join, until the nodes that joined come in. */
export const joinSettleMs = 3000;

/** The same for the same state and times. `timeMs`: cluster time, or what the next entry would make it. */
export function nextStep(state: StateReader, timeMs: number, settleMs: number = joinSettleMs): NextStep {
  const layout = findLayout(state);
  if (layout === undefined) return { kind: "wait", reason: "there is no layout yet" };
  if (layoutChange(state) !== undefined) return { kind: "wait", reason: "a change is under way" };
  const nodes = listNodes(state);
  if (timeMs < lastJoinMs(nodes, layout) + settleMs)
    return { kind: "wait", reason: "more nodes may be joining" };
  const members = membersOf(nodes);
  const change = nextLayout(layout, members, widthsInUse(state, layout, members.length));
  if (change.kind === "changed") return { kind: "set-layout", layout: change.layout };
  return change.kind === "unchanged" ? { kind: "nothing" } : { kind: "wait", reason: reasonOf(change) };
}

/** Draining ones are left out: those that slots name stay by themselves until none does. */
function membersOf(nodes: readonly NodeRecord[]): readonly Member[] {
  return nodes
    .filter(({ draining }) => !draining)
    .map(({ id, zone, weight }) => ({ id, zone, weight, draining: false }));
}

function lastJoinMs(nodes: readonly NodeRecord[], { members }: Layout): number {
  const known = new Set<NodeId>(members.map(({ id }) => id));
  const joined = nodes.filter(({ id, draining }) => !draining && !known.has(id));
  return joined.reduce((last, { joinedAtMs }) => Math.max(last, joinedAtMs), Number.NEGATIVE_INFINITY);
}

/** As many as a layout may have; what is in it and in use comes first. */
function widthsInUse(state: StateReader, layout: Layout, placeableCount: number): readonly number[] {
  const used = usedWidths(state);
  const isPossible = (width: number): boolean => width <= Math.min(placeableCount, widthMax);
  const kept = layout.tables.map(({ width }) => width).filter((width) => used.includes(width));
  const wanted = [1, ...used, 3, 5, ...layout.tables.map(({ width }) => width)].filter(isPossible);
  return [...new Set([...kept, ...wanted])].slice(0, tablesMax);
}

function reasonOf(refusal: LayoutRefusal): string {
  switch (refusal.kind) {
    case "invalid-members":
      return refusal.reason;
    case "too-few-nodes":
      return `${refusal.width} slots need as many nodes that are not draining; there are ${refusal.placeableCount}`;
    case "joint-partitions":
      return `${refusal.jointCount} partitions are joint`;
  }
}

export interface LayoutDriverParts {
  readonly system: SystemPort;
  /** Whether this node leads the system group, as far as it knows: two that drive cost a refused entry. */
  readonly isLeader: () => boolean;
  readonly clock: Clock;
  readonly journal: Journal;
  /** Instead of `joinSettleMs`. */
  readonly settleMs?: number;
}

export class LayoutDriver {
  readonly #parts: LayoutDriverParts;
  readonly #intervalMs: number;
  readonly #rounds: Rounds;
  #reason = "";
  /** What the state said when nothing was left to be done: to lay out many nodes takes long. */
  #settled: string | undefined;

  constructor(parts: LayoutDriverParts, intervalMs: number) {
    this.#parts = parts;
    this.#intervalMs = intervalMs;
    this.#rounds = new Rounds(parts, "laying out", () => this.#round());
  }

  start(): void {
    this.#rounds.start(this.#intervalMs);
  }

  async stop(): Promise<void> {
    await this.#rounds.stop();
  }

  async #round(): Promise<number> {
    const { system, isLeader, clock, settleMs } = this.#parts;
    if (!isLeader()) return this.#intervalMs;
    const wish = wishOf(system.state);
    if (wish === this.#settled) return this.#intervalMs;
    const step = nextStep(system.state, Math.max(clusterTimeMs(system.state), clock.wallMs()), settleMs);
    this.#settled = step.kind === "nothing" ? wish : undefined;
    if (step.kind === "set-layout") await this.#set(step.layout);
    this.#tell(step);
    return this.#intervalMs;
  }

  async #set(layout: Layout): Promise<void> {
    const { system, journal } = this.#parts;
    const result = await system.append({ kind: "setLayout", layout: encode(layoutCodec, layout) });
    const { epoch } = layout;
    // Another leader was faster, or a node was removed meanwhile: the next round looks again.
    if (result.kind === "refused") journal.info("layout refused", { epoch, code: result.code });
    else journal.info("layout set", { epoch, nodes: layout.members.length });
  }

  /** Once for each reason. */
  #tell(step: NextStep): void {
    const reason = step.kind === "wait" ? step.reason : "";
    if (reason !== "" && reason !== this.#reason) this.#parts.journal.info("layout waits", { reason });
    this.#reason = reason;
  }
}

/** Everything that `nextStep` looks at but the time. */
function wishOf(state: StateReader): string {
  const layout = findLayout(state);
  const members = membersOf(listNodes(state));
  const widths = layout === undefined ? [] : widthsInUse(state, layout, members.length);
  return JSON.stringify([layout?.epoch, layoutChange(state), members, widths]);
}
