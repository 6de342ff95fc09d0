/** A queue in a ring: the oldest leaves without the others being moved, and nothing is allocated while the length stays. */

export class Fifo<T> {
  /** Their number is a power of two. */
  #slots: (T | undefined)[] = [undefined];
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  get oldest(): T | undefined {
    return this.#slots[this.#head];
  }

  push(item: T): void {
    if (this.#length === this.#slots.length) this.#grow();
    this.#slots[this.#place(this.#length)] = item;
    this.#length++;
  }

  /** Removes the oldest. No effect on an empty queue. */
  drop(): void {
    if (this.#length === 0) return;
    this.#slots[this.#head] = undefined;
    this.#head = this.#place(1);
    this.#length--;
  }

  clear(): void {
    this.#slots = [undefined];
    this.#head = 0;
    this.#length = 0;
  }

  /** From the oldest on. */
  *[Symbol.iterator](): Iterator<T> {
    for (let i = 0; i < this.#length; i++) {
      const item = this.#slots[this.#place(i)];
      if (item !== undefined) yield item;
    }
  }

  #place(i: number): number {
    return (this.#head + i) & (this.#slots.length - 1);
  }

  #grow(): void {
    const items = [...this];
    this.#slots = [...items, ...items.map(() => undefined)];
    this.#head = 0;
  }
}
