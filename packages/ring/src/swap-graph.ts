/**
 * Which node could replace which, in some partition, and at what cost: what the balance pass walks on. A swap costs one if a
 * slot of the reference is lost, nothing if a slot that differs already changes again, and earns one back if a node of the
 * reference returns. The zone rule holds before and after every swap.
 */

import { assert } from "@holdfast/base";
import type { Rows } from "./rows.ts";
import type { ZoneRule } from "./zone-rule.ts";

/** -1, 0 or 1; `noSwap` where no partition allows one. */
export type SwapCost = number;
export const noSwap: SwapCost = 2;

export class SwapGraph {
  readonly nodeCount: number;
  /** Slots that each node holds. */
  readonly counts: Uint32Array;
  /** Slots whose node is not in the partition's reference row. */
  differingCount = 0;
  readonly #rows: Rows;
  readonly #reference: Rows;
  readonly #rule: ZoneRule;
  readonly #partitionCount: number;
  /** How many partitions could replace a by b, at [cost + 1][a][b]. */
  readonly #swaps: Uint32Array;
  /** Of one partition, while it is looked at: slots of each zone; whether a node is in its row, in its reference row. */
  readonly #zoneCounts: Uint16Array;
  readonly #isPlaced: Uint8Array;
  readonly #isKept: Uint8Array;
  /** Partitions are searched in steps of this, coprime to their number: neighbours on the ring have like rows. */
  readonly #stride: number;

  /** Changes `rows` when it swaps. */
  constructor(rows: Rows, reference: Rows, rule: ZoneRule) {
    this.nodeCount = rule.zoneOf.length;
    this.counts = slotCounts(rows.slots, this.nodeCount);
    this.#rows = rows;
    this.#reference = reference;
    this.#rule = rule;
    this.#partitionCount = rows.slots.length / rows.width;
    this.#swaps = new Uint32Array(3 * this.nodeCount * this.nodeCount);
    this.#zoneCounts = new Uint16Array(rule.least.length);
    this.#isPlaced = new Uint8Array(this.nodeCount);
    this.#isKept = new Uint8Array(this.nodeCount);
    this.#stride = coprimeStride(this.#partitionCount);
    for (let partition = 0; partition < this.#partitionCount; partition++) {
      this.#tally(partition, 1);
      for (let i = partition * rows.width; i < (partition + 1) * rows.width; i++)
        if (!this.#keeps(partition, rows.slots[i] ?? 0)) this.differingCount++;
    }
  }

  cheapestSwap(from: number, to: number): SwapCost {
    const pairs = this.nodeCount * this.nodeCount;
    const pair = from * this.nodeCount + to;
    if ((this.#swaps[pair] ?? 0) > 0) return -1;
    if ((this.#swaps[pairs + pair] ?? 0) > 0) return 0;
    return (this.#swaps[2 * pairs + pair] ?? 0) > 0 ? 1 : noSwap;
  }

  /** Replaces one node by another in one partition, at the cheapest cost that there is. */
  swap(from: number, to: number): void {
    const cost = this.cheapestSwap(from, to);
    assert(cost !== noSwap, "a partition that allows the swap");
    const partition = this.#findSwap(from, to, cost);
    this.#tally(partition, -1);
    this.#replace(partition, from, to);
    this.#tally(partition, 1);
    this.differingCount += cost;
    this.counts[from] = (this.counts[from] ?? 0) - 1;
    this.counts[to] = (this.counts[to] ?? 0) + 1;
  }

  /** Each pair begins its search elsewhere, so that what a node gives away comes from all over the ring. */
  #findSwap(from: number, to: number, cost: SwapCost): number {
    const start = (Math.imul(from + 1, 0x9e37_79b1) + Math.imul(to + 1, 0x85eb_ca6b)) >>> 0;
    let partition = start % this.#partitionCount;
    while (!this.#allows(partition, from, to, cost)) {
      partition = (partition + this.#stride) % this.#partitionCount;
      assert(partition !== start % this.#partitionCount, "a swap that was counted is there");
    }
    return partition;
  }

  #allows(partition: number, from: number, to: number, cost: SwapCost): boolean {
    const { width, slots } = this.#rows;
    const { zoneOf, least, most } = this.#rule;
    const fromZone = zoneOf[from] ?? 0;
    const toZone = zoneOf[to] ?? 0;
    let isPlaced = false;
    let fromCount = 0;
    let toCount = 0;
    for (let i = partition * width; i < (partition + 1) * width; i++) {
      const node = slots[i] ?? 0;
      if (node === to) return false;
      if (node === from) isPlaced = true;
      if (zoneOf[node] === fromZone) fromCount++;
      if (zoneOf[node] === toZone) toCount++;
    }
    if (!isPlaced) return false;
    const maySwitchZone = fromCount > (least[fromZone] ?? 0) && toCount < (most[toZone] ?? 0);
    if (fromZone !== toZone && !maySwitchZone) return false;
    return Number(this.#keeps(partition, from)) - Number(this.#keeps(partition, to)) === cost;
  }

  #keeps(partition: number, node: number): boolean {
    const { width, slots } = this.#reference;
    for (let i = partition * width; i < (partition + 1) * width; i++) if (slots[i] === node) return true;
    return false;
  }

  /** Adds the swaps that a partition allows, or takes them off before it changes. */
  #tally(partition: number, sign: 1 | -1): void {
    const { width, slots } = this.#rows;
    const { zoneOf, least, most } = this.#rule;
    const n = this.nodeCount;
    this.#look(partition, 1);
    for (let i = partition * width; i < (partition + 1) * width; i++) {
      const from = slots[i] ?? 0;
      const fromZone = zoneOf[from] ?? 0;
      const mayLeaveZone = (this.#zoneCounts[fromZone] ?? 0) > (least[fromZone] ?? 0);
      const costOfLeaving = 1 + (this.#isKept[from] ?? 0);
      for (let to = 0; to < n; to++) {
        if (this.#isPlaced[to] === 1) continue;
        const zone = zoneOf[to] ?? 0;
        const mayEnterZone = mayLeaveZone && (this.#zoneCounts[zone] ?? 0) < (most[zone] ?? 0);
        if (zone !== fromZone && !mayEnterZone) continue;
        const at = ((costOfLeaving - (this.#isKept[to] ?? 0)) * n + from) * n + to;
        this.#swaps[at] = (this.#swaps[at] ?? 0) + sign;
      }
    }
    this.#look(partition, 0);
  }

  /** Marks a partition's nodes and counts its zones, or (with 0) wipes that out again. */
  #look(partition: number, mark: 0 | 1): void {
    const { width, slots } = this.#rows;
    for (let i = partition * width; i < (partition + 1) * width; i++) {
      const node = slots[i] ?? 0;
      const zone = this.#rule.zoneOf[node] ?? 0;
      this.#isPlaced[node] = mark;
      this.#zoneCounts[zone] = mark === 1 ? (this.#zoneCounts[zone] ?? 0) + 1 : 0;
    }
    const reference = this.#reference;
    for (let i = partition * reference.width; i < (partition + 1) * reference.width; i++)
      this.#isKept[reference.slots[i] ?? 0] = mark;
  }

  /** A node that returns goes to the slot it had: those who stay keep their slot (S3). */
  #replace(partition: number, from: number, to: number): void {
    const { width, slots } = this.#rows;
    const row = slots.subarray(partition * width, (partition + 1) * width);
    const reference = this.#reference;
    const slot = row.indexOf(from);
    const own = reference.slots
      .subarray(partition * reference.width, (partition + 1) * reference.width)
      .indexOf(to);
    if (own < 0 || own >= width) row[slot] = to;
    else {
      row[slot] = row[own] ?? 0;
      row[own] = to;
    }
  }
}

/** How many slots each node holds; slots of nobody are not counted. */
export function slotCounts(slots: Uint16Array, nodeCount: number): Uint32Array {
  const counts = new Uint32Array(nodeCount);
  for (const node of slots) if (node < nodeCount) counts[node] = (counts[node] ?? 0) + 1;
  return counts;
}

/** Near the golden section, so that steps fall everywhere before they fall close together. */
function coprimeStride(count: number): number {
  let stride = Math.max(1, Math.floor((count * 618) / 1000));
  while (greatestCommonDivisor(stride, count) > 1) stride--;
  return stride;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
