/**
 * Is there an order of one key's operations that respects real time and explains every answer? The search of Wing and
 * Gong (1993) with Lowe's cache (2017): operations are linearized one by one, those that were called before the first
 * return that is still open are candidates; a set of linearized operations that led to the same value before leads to
 * nothing new. Exponential in the number of concurrent operations at worst, linear in the length of usual histories.
 */

import type { Operation, Value } from "./operation.ts";
import { initialValue, take } from "./register.ts";

export type KeyVerdict =
  | { readonly kind: "linearizable" }
  /** The longest explanation ends before `stuck`: none of these can come next, one of them must. */
  | {
      readonly kind: "not-linearizable";
      readonly explained: readonly Operation[];
      readonly value: Value;
      readonly stuck: readonly Operation[];
    }
  /** The search was given up. */
  | { readonly kind: "undecided"; readonly steps: number };

interface Event {
  readonly operation: number;
  readonly isReturn: boolean;
  next: Event | undefined;
  previous: Event | undefined;
  /** Of a call: its return; undefined when the outcome is unknown. */
  match: Event | undefined;
}

interface Step {
  readonly call: Event;
  readonly valueBefore: Value;
}

export function checkKey(all: readonly Operation[], stepsMax: number): KeyVerdict {
  const operations = relevant(all);
  const head = eventList(operations);
  const linearized = new BitSet(operations.length);
  const seen = new SeenStates();
  const path: Step[] = [];
  let value: Value = initialValue;
  let best: { readonly order: readonly number[]; readonly value: Value } = { order: [], value };
  let entry = head.next;
  let openReturns = operations.filter(({ returned }) => Number.isFinite(returned)).length;
  for (let steps = 0; openReturns > 0; steps++) {
    if (steps > stepsMax) return { kind: "undecided", steps };
    if (entry !== undefined && !entry.isReturn) {
      const operation = operations[entry.operation];
      const taken = operation === undefined ? undefined : take(operation, value);
      if (taken !== undefined && seen.add(linearized.with(entry.operation), taken.value)) {
        path.push({ call: entry, valueBefore: value });
        value = taken.value;
        linearized.set(entry.operation);
        lift(entry);
        if (entry.match !== undefined) openReturns--;
        if (path.length > best.order.length) best = { order: path.map(({ call }) => call.operation), value };
        entry = head.next;
      } else entry = entry.next;
      continue;
    }
    // An operation returned that could not be placed: the last choice was wrong.
    const last = path.pop();
    if (last === undefined) return failure(operations, best.order, best.value);
    value = last.valueBefore;
    linearized.clear(last.call.operation);
    unlift(last.call);
    if (last.call.match !== undefined) openReturns++;
    entry = last.call.next;
  }
  return { kind: "linearizable" };
}

/**
 * Writes of unknown outcome make the search long. One whose value nobody saw, or named in a condition, explains nothing
 * but refusals, and writes on the condition that something else was there: without any it may as well never have happened.
 */
function relevant(all: readonly Operation[]): readonly Operation[] {
  if (all.some(explainedByAny)) return all;
  const seen = new Set<Value>();
  for (const operation of all) {
    if (operation.kind === "read") seen.add(operation.value);
    else if (operation.condition !== undefined && "expected" in operation.condition)
      seen.add(operation.condition.expected);
  }
  return all.filter(
    (operation) => operation.kind === "read" || operation.outcome !== "unknown" || seen.has(operation.value),
  );
}

function explainedByAny(operation: Operation): boolean {
  if (operation.kind === "read") return false;
  const { condition, outcome } = operation;
  return outcome === "refused" || (condition !== undefined && "unexpected" in condition);
}

/** Calls and returns in the order of time; at one moment calls come first, which is the lenient reading. */
function eventList(operations: readonly Operation[]): Event {
  const timed: { readonly at: number; readonly event: Event }[] = [];
  for (const [i, { called, returned }] of operations.entries()) {
    const call = event(i, false);
    timed.push({ at: called, event: call });
    if (!Number.isFinite(returned)) continue;
    call.match = event(i, true);
    timed.push({ at: returned, event: call.match });
  }
  timed.sort((a, b) => a.at - b.at || Number(a.event.isReturn) - Number(b.event.isReturn));
  const head = event(-1, false);
  let last = head;
  for (const { event: next } of timed) {
    last.next = next;
    next.previous = last;
    last = next;
  }
  return head;
}

function event(operation: number, isReturn: boolean): Event {
  return { operation, isReturn, next: undefined, previous: undefined, match: undefined };
}

function lift(call: Event): void {
  for (const each of [call, call.match]) {
    if (each === undefined) continue;
    if (each.previous !== undefined) each.previous.next = each.next;
    if (each.next !== undefined) each.next.previous = each.previous;
  }
}

/** In the opposite order of `lift`. */
function unlift(call: Event): void {
  for (const each of [call.match, call]) {
    if (each === undefined) continue;
    if (each.previous !== undefined) each.previous.next = each;
    if (each.next !== undefined) each.next.previous = each;
  }
}

function failure(operations: readonly Operation[], order: readonly number[], value: Value): KeyVerdict {
  const explained = order.flatMap((i) => operations[i] ?? []);
  const left = operations.filter((_, i) => !order.includes(i));
  const firstReturn = Math.min(...left.map(({ returned }) => returned));
  const stuck = left.filter(({ called }) => called <= firstReturn);
  return { kind: "not-linearizable", explained, value, stuck };
}

class BitSet {
  readonly #words: Uint32Array;

  constructor(size: number) {
    this.#words = new Uint32Array((size + 31) >>> 5);
  }

  set(i: number): void {
    this.#words[i >>> 5] = (this.#words[i >>> 5] ?? 0) | (1 << (i & 31));
  }

  clear(i: number): void {
    this.#words[i >>> 5] = (this.#words[i >>> 5] ?? 0) & ~(1 << (i & 31));
  }

  /** The words of this set with one more member. */
  with(i: number): Uint32Array {
    const words = this.#words.slice();
    words[i >>> 5] = (words[i >>> 5] ?? 0) | (1 << (i & 31));
    return words;
  }
}

/** Sets of linearized operations with the value they led to; compared whole, the hash only finds them. */
class SeenStates {
  readonly #byHash = new Map<number, { readonly words: Uint32Array; readonly value: Value }[]>();

  /** False when it was there already. */
  add(words: Uint32Array, value: Value): boolean {
    let hash = 0x811c_9dc5;
    for (const word of words) hash = Math.imul(hash ^ word, 0x0100_0193) ^ (hash >>> 15);
    const known = this.#byHash.get(hash);
    if (known === undefined) {
      this.#byHash.set(hash, [{ words, value }]);
      return true;
    }
    if (known.some((state) => state.value === value && state.words.every((word, i) => word === words[i])))
      return false;
    known.push({ words, value });
    return true;
  }
}
