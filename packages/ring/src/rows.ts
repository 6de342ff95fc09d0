/**
 * Rows of slots, one for each partition, as placement works on them: `slots[partition * width + slot]` is a node's index.
 * First step of placement: every row keeps what it had, as far as nodes and the zone rule allow, and the rest is found by
 * walking the ring of virtual nodes. Without anything to keep, that is consistent hashing.
 */

import { assert, present } from "@holdfast/base";
import type { VirtualNodes } from "./virtual-nodes.ts";
import { firstOfArcs } from "./virtual-nodes.ts";
import type { ZoneRule } from "./zone-rule.ts";

export interface Rows {
  readonly width: number;
  readonly slots: Uint16Array;
}

/** In a slot: who was there cannot be placed any more. No node has this index. */
export const nobody: number = 0xffff;

/** The same slots by other numbers; -1 becomes nobody. */
export function renumbered(slots: Uint16Array, numbers: readonly number[]): Uint16Array {
  return slots.map((node) => {
    const number = numbers[node] ?? -1;
    return number < 0 ? nobody : number;
  });
}

/** Rows of the rule's width. A node that stays keeps its slot number (S3), if there still is one. */
export function filledRows(
  partitionCount: number,
  previous: Rows | undefined,
  ring: VirtualNodes,
  rule: ZoneRule,
): Rows {
  const { width } = rule;
  const slots = new Uint16Array(partitionCount * width).fill(nobody);
  const firsts = firstOfArcs(ring, partitionCount);
  const row = new Row(rule);
  for (let partition = 0; partition < partitionCount; partition++) {
    row.begin(slots.subarray(partition * width, (partition + 1) * width));
    if (previous !== undefined) keepRow(row, previous, partition);
    walk(row, ring, present(firsts[partition], "the first virtual node of an arc"));
  }
  return { width, slots };
}

/** As many as the zone rule lets stay: each zone that has one too many could be the one to keep it, and all are worth one. */
function keepRow(row: Row, { width, slots }: Rows, partition: number): void {
  for (let slot = 0; slot < width; slot++) {
    const node = slots[partition * width + slot] ?? nobody;
    if (node !== nobody && row.admits(node)) row.place(node, slot);
  }
}

/** The next distinct nodes clockwise that the zone rule admits. */
function walk(row: Row, { owners }: VirtualNodes, first: number): void {
  for (let step = 0; row.vacantCount > 0; step++) {
    assert(step < owners.length, "once around the ring finds a node for every slot");
    const node = owners[(first + step) % owners.length] ?? nobody;
    if (row.admits(node)) row.place(node, undefined);
  }
}

/** One row while it is being filled. */
class Row {
  readonly #rule: ZoneRule;
  readonly #counts: Uint16Array;
  #slots: Uint16Array = new Uint16Array(0);
  #extraCount = 0;
  #vacantCount = 0;

  constructor(rule: ZoneRule) {
    this.#rule = rule;
    this.#counts = new Uint16Array(rule.least.length);
  }

  get vacantCount(): number {
    return this.#vacantCount;
  }

  begin(slots: Uint16Array): void {
    this.#slots = slots;
    this.#vacantCount = slots.length;
    this.#counts.fill(0);
    this.#extraCount = 0;
  }

  /** Room for the zones' least is never given away: only so many zones may have one more. */
  admits(node: number): boolean {
    if (this.#slots.includes(node)) return false;
    const zone = this.#rule.zoneOf[node] ?? 0;
    const count = this.#counts[zone] ?? 0;
    if (count < (this.#rule.least[zone] ?? 0)) return true;
    return count < (this.#rule.most[zone] ?? 0) && this.#extraCount < this.#rule.extraCount;
  }

  /** In this slot if there is one and it is vacant, else in the first vacant one. */
  place(node: number, slot: number | undefined): void {
    const zone = this.#rule.zoneOf[node] ?? 0;
    const count = this.#counts[zone] ?? 0;
    if (count >= (this.#rule.least[zone] ?? 0)) this.#extraCount++;
    this.#counts[zone] = count + 1;
    const own = slot !== undefined && this.#slots[slot] === nobody ? slot : this.#slots.indexOf(nobody);
    assert(own >= 0, "a vacant slot");
    this.#slots[own] = node;
    this.#vacantCount--;
  }
}
