/** At most so many at once; the rest waits in order. */
export class Limiter {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(count: number) {
    this.#free = count;
  }

  async run<T>(action: () => Promise<T>): Promise<T> {
    await this.enter();
    try {
      return await action();
    } finally {
      this.leave();
    }
  }

  enter(): Promise<void> {
    if (this.#free > 0) {
      this.#free--;
      return Promise.resolve();
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }
}

/**
 * Runs `action` for every item, `parallel` at once, and pulls no more items than that: a source of millions stays small.
 * The first action that throws ends it; those under way are waited for.
 */
export async function forEachParallel<T>(
  items: AsyncIterable<T>,
  parallel: number,
  action: (item: T) => Promise<void>,
): Promise<void> {
  const limiter = new Limiter(parallel);
  const running = new Set<Promise<void>>();
  const failures: unknown[] = [];
  try {
    for await (const item of items) {
      await limiter.enter();
      if (failures.length > 0) break;
      const run = action(item)
        .catch((error: unknown) => void failures.push(error))
        .finally(() => {
          running.delete(run);
          limiter.leave();
        });
      running.add(run);
    }
  } finally {
    await Promise.all(running);
  }
  if (failures.length > 0) throw failures[0];
}
