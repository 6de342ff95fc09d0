import { present } from "@holdfast/base";
import type { Timer } from "../clock.ts";

interface Event {
  readonly dueMs: number;
  /** Events due at one time run in the order in which they were added. */
  readonly sequence: number;
  readonly action: () => void;
  cancelled: boolean;
}

/** A binary heap of events, earliest first. Cancelled ones stay until they reach the top. */
export class EventQueue {
  readonly #heap: Event[] = [];
  #added = 0;
  #size = 0;

  /** Events that will run. */
  get size(): number {
    return this.#size;
  }

  get nextDueMs(): number | undefined {
    this.#dropCancelled();
    return this.#heap[0]?.dueMs;
  }

  add(dueMs: number, action: () => void): Timer {
    const event: Event = { dueMs, sequence: this.#added++, action, cancelled: false };
    this.#heap.push(event);
    this.#size++;
    this.#rise(this.#heap.length - 1);
    return {
      cancel: () => {
        if (event.cancelled) return;
        event.cancelled = true;
        this.#size--;
      },
    };
  }

  /** Removes the earliest event; cancelling it afterwards does nothing. */
  take(): { readonly dueMs: number; readonly action: () => void } | undefined {
    this.#dropCancelled();
    const event = this.#removeTop();
    if (event === undefined) return undefined;
    event.cancelled = true;
    this.#size--;
    return event;
  }

  #dropCancelled(): void {
    while (this.#heap[0]?.cancelled === true) this.#removeTop();
  }

  #removeTop(): Event | undefined {
    const top = this.#heap[0];
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return top;
    this.#heap[0] = last;
    this.#sink();
    return top;
  }

  #rise(from: number): void {
    for (let i = from; i > 0; ) {
      const parent = (i - 1) >>> 1;
      if (!this.#swapUnlessOrdered(parent, i)) return;
      i = parent;
    }
  }

  #sink(): void {
    for (let i = 0; ; ) {
      const left = 2 * i + 1;
      if (left >= this.#heap.length) return;
      const right = left + 1;
      const child = right < this.#heap.length && before(this.#at(right), this.#at(left)) ? right : left;
      if (!this.#swapUnlessOrdered(i, child)) return;
      i = child;
    }
  }

  #swapUnlessOrdered(parent: number, child: number): boolean {
    const [upper, lower] = [this.#at(parent), this.#at(child)];
    if (!before(lower, upper)) return false;
    this.#heap[parent] = lower;
    this.#heap[child] = upper;
    return true;
  }

  #at(position: number): Event {
    return present(this.#heap[position], "event in the heap");
  }
}

function before(a: Event, b: Event): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.sequence < b.sequence);
}
