/** Which nodes are in trouble, and hence what has to be served: the rest, as long as it is a majority. */

export interface Expectation {
  /** When it came to hold, in milliseconds of the clock that deadlines go by. */
  readonly sinceMs: number;
  /** After which whoever asks has to be served. */
  readonly withinMs: number;
}

/** With a node in trouble the others have to serve, and go on serving. */
const withinTroubleMs = 10_000;
const withinCalmMs = 20_000;

export class Weather {
  readonly #size: number;
  readonly #nowMs: () => number;
  #troubled: ReadonlySet<number> = new Set();
  #withinMs = withinCalmMs;
  #sinceMs: number;

  constructor(size: number, nowMs: () => number) {
    this.#size = size;
    this.#nowMs = nowMs;
    this.#sinceMs = nowMs();
  }

  /** From now on these nodes are in trouble, and no others. */
  set(troubled: readonly number[]): void {
    this.#become(troubled, troubled.length === 0 ? withinCalmMs : withinTroubleMs);
  }

  /** From now on something is wrong that keeps no node from serving, and they have no more time than beside one in trouble. */
  strain(): void {
    this.#become([], withinTroubleMs);
  }

  /** What this node owes; undefined: nothing. */
  expectation(node: number): Expectation | undefined {
    const well = this.#size - this.#troubled.size;
    if (this.#troubled.has(node) || 2 * well <= this.#size) return undefined;
    return { sinceMs: this.#sinceMs, withinMs: this.#withinMs };
  }

  #become(troubled: readonly number[], withinMs: number): void {
    this.#troubled = new Set(troubled);
    this.#withinMs = withinMs;
    this.#sinceMs = this.#nowMs();
  }
}
