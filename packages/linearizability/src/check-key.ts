/**
 * Is there an order of one key's operations that respects real time and explains every answer? The search of Wing and
 * Gong (1993) with Lowe's cache (2017): operations are linearized one by one, those that were called before the first
 * return that is still open are candidates; a set of linearized operations that led to the same value before leads to
 * nothing new. A candidate that fits and can change nothing (a read, a refusal) is taken at once and never taken back: whatever
 * explanation has it later has it here as well. Exponential in the number of concurrent writes at worst, linear in the
 * length of usual histories.
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
  /** It changed nothing: without it there is no explanation either. */
  readonly isFree: boolean;
}

export function checkKey(all: readonly Operation[], stepsMax: number): KeyVerdict {
  return new Search(relevant(all)).run(stepsMax);
}

class Search {
  readonly #operations: readonly Operation[];
  readonly #head: Event;
  readonly #linearized: BitSet;
  readonly #seen = new SeenStates();
  readonly #path: Step[] = [];
  #value: Value = initialValue;
  #openReturns: number;
  #best: { readonly order: readonly number[]; readonly value: Value } = { order: [], value: initialValue };

  constructor(operations: readonly Operation[]) {
    this.#operations = operations;
    this.#head = eventList(operations);
    this.#linearized = new BitSet(operations.length);
    this.#openReturns = operations.filter(({ returned }) => Number.isFinite(returned)).length;
  }

  run(stepsMax: number): KeyVerdict {
    this.#takeFree();
    let entry = this.#head.next;
    for (let steps = 0; this.#openReturns > 0; steps++) {
      if (steps > stepsMax) return { kind: "undecided", steps };
      if (entry !== undefined && !entry.isReturn) {
        entry = this.#choose(entry) ? this.#head.next : entry.next;
        continue;
      }
      // An operation returned that could not be placed: the last choice was wrong.
      const last = this.#undoChoice();
      if (last === undefined) return failure(this.#operations, this.#best.order, this.#best.value);
      entry = last.next;
    }
    return { kind: "linearizable" };
  }

  /** False when it cannot come next, or leads where the search has been. */
  #choose(call: Event): boolean {
    const operation = this.#operations[call.operation];
    const taken = operation === undefined ? undefined : take(operation, this.#value);
    if (taken === undefined || !this.#seen.add(this.#linearized.with(call.operation), taken.value))
      return false;
    this.#place(call, taken.value, false);
    this.#takeFree();
    return true;
  }

  #takeFree(): void {
    for (let free = this.#findFree(); free !== undefined; free = this.#findFree())
      this.#place(free, this.#value, true);
  }

  #findFree(): Event | undefined {
    for (let entry = this.#head.next; entry !== undefined && !entry.isReturn; entry = entry.next) {
      const operation = this.#operations[entry.operation];
      if (operation === undefined || mayChange(operation)) continue;
      if (take(operation, this.#value) !== undefined) return entry;
    }
    return undefined;
  }

  #place(call: Event, next: Value, isFree: boolean): void {
    this.#path.push({ call, valueBefore: this.#value, isFree });
    this.#value = next;
    this.#linearized.set(call.operation);
    lift(call);
    if (call.match !== undefined) this.#openReturns--;
    if (this.#path.length > this.#best.order.length)
      this.#best = { order: this.#path.map((step) => step.call.operation), value: next };
  }

  /** The choice that is taken back, with everything that followed from it. */
  #undoChoice(): Event | undefined {
    for (let step = this.#path.pop(); step !== undefined; step = this.#path.pop()) {
      const { call, valueBefore, isFree } = step;
      this.#value = valueBefore;
      this.#linearized.clear(call.operation);
      unlift(call);
      if (call.match !== undefined) this.#openReturns++;
      if (!isFree) return call;
    }
    return undefined;
  }
}

function mayChange(operation: Operation): boolean {
  return operation.kind === "write" && operation.outcome !== "refused";
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
