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
  /** For whoever looks into it later. */
  readonly say: (text: string) => void;
}

interface Attempt {
  readonly beganMs: number;
  readonly reportedMs: number;
  /** What went wrong last. */
  readonly last: string;
  readonly isServed: boolean;
}

/** So many that they lie in most shards. */
const keysCount = 16;
const pauseMs = 50;
const callMsMax = 4000;
/** What is longer is noted. */
const noteworthyMs = 2000;

export class Prober {
  readonly #options: ProberOptions;
  #isOver = false;
  #turn = 0;
  /** The longest time that the node owed an answer and gave none, in milliseconds. */
  longestMs = 0;
  /** Answers since it was refused last. */
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
    const beganMs = this.#options.nowMs();
    let reportedMs = Number.NEGATIVE_INFINITY;
    let last = "no answer";
    while (!this.#isOver) {
      const failure = await this.#ask(key);
      last = failure ?? last;
      this.servedInARow = failure === undefined ? this.servedInARow + 1 : 0;
      reportedMs = this.#judge(key, { beganMs, reportedMs, last, isServed: failure === undefined });
      if (failure === undefined) return;
      await delay(pauseMs);
    }
  }

  /** Under which expectation the node was reported last: once is enough. */
  #judge(key: string, { beganMs, reportedMs, last, isServed }: Attempt): number {
    const { node, weather, nowMs, onProblem, say } = this.#options;
    const owed = weather.expectation(node);
    if (owed === undefined) return reportedMs;
    const lateMs = nowMs() - Math.max(owed.sinceMs, beganMs);
    this.longestMs = Math.max(this.longestMs, lateMs);
    const text = `node ${node}, ${key}: ${Math.round(lateMs)} ms, ${last}`;
    if (isServed && lateMs > noteworthyMs) say(`late: ${text}`);
    if (lateMs <= owed.withinMs || reportedMs === owed.sinceMs) return reportedMs;
    onProblem(`not served in time: ${text}`);
    return owed.sinceMs;
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
