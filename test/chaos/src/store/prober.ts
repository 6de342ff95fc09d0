/**
 * Asks one node again and again, a few keys in turns, whether it serves: a write and a read of it. What a node in good health owes
 * and did not give in time is a problem.
 */

import { setTimeout as delay } from "node:timers/promises";
import type { Store } from "@holdfast/client";
import type { Weather } from "./weather.ts";

export interface ProberOptions {
  readonly node: number;
  /** Of this node, without retries. */
  readonly store: Store;
  readonly bucket: string;
  readonly weather: Weather;
  readonly nowMs: () => number;
  readonly onProblem: (text: string) => void;
}

/** So many that they lie in most shards. */
const keysCount = 16;
const pauseMs = 50;
const callMsMax = 4000;

export class Prober {
  readonly #options: ProberOptions;
  #isOver = false;
  #turn = 0;
  /** The longest time that the node owed an answer and gave none, in milliseconds. */
  longestMs = 0;
  /** When it was last served whole rounds of keys, and how many in a row. */
  servedInARow = 0;

  constructor(options: ProberOptions) {
    this.#options = options;
  }

  stop(): void {
    this.#isOver = true;
  }

  /** Until it is stopped. */
  async run(): Promise<void> {
    while (!this.#isOver) {
      await this.#untilServed(`probe/${this.#options.node}-${this.#turn++ % keysCount}`);
      await delay(pauseMs);
    }
  }

  async #untilServed(key: string): Promise<void> {
    const { node, weather, nowMs, onProblem } = this.#options;
    const beganMs = nowMs();
    let reported = Number.NEGATIVE_INFINITY;
    while (!this.#isOver) {
      const failure = await this.#ask(key);
      if (failure === undefined) this.servedInARow++;
      else this.servedInARow = 0;
      const owed = weather.expectation(node);
      if (owed !== undefined) {
        const sinceMs = Math.max(owed.sinceMs, beganMs);
        const lateMs = nowMs() - sinceMs;
        this.longestMs = Math.max(this.longestMs, lateMs);
        if (lateMs > owed.withinMs && reported !== owed.sinceMs) {
          reported = owed.sinceMs;
          onProblem(
            `node ${node} did not serve ${key} for ${Math.round(lateMs)} ms: ${failure ?? "now it does"}`,
          );
        }
      }
      if (failure === undefined) return;
      await delay(pauseMs);
    }
  }

  /** What went wrong, if anything. */
  async #ask(key: string): Promise<string | undefined> {
    const { store, bucket } = this.#options;
    const name = `${bucket}/${key}`;
    const value = `${key} ${this.#turn}`;
    try {
      await store.storeFile(name, value, { signal: AbortSignal.timeout(callMsMax) });
      const read = await (await store.readFile(name, { signal: AbortSignal.timeout(callMsMax) })).text();
      return read === value ? undefined : `${JSON.stringify(read)} was read instead of ${value}`;
    } catch (error) {
      return String(error);
    }
  }
}
