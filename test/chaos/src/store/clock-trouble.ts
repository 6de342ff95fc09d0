/**
 * Wrong clocks at one node. While they last the nodes have to say so, and whoever is too far from the others leads nothing and gives
 * nothing its time (SAFETY S16).
 */

import { setTimeout as delay } from "node:timers/promises";
import type { Store } from "@holdfast/client";
import type { ClockSkew } from "./clock-skew.ts";
import { apartMsMax, describeSkew, isApart, trueClock } from "./clock-skew.ts";
import type { StoreCluster } from "./store-cluster.ts";
import { askDoctor, askMetric } from "./told-by.ts";

export interface ClockTroubleOptions {
  readonly cluster: StoreCluster;
  readonly bucket: string;
  /** Without what other work on this machine took. */
  readonly nowMs: () => number;
  readonly say: (text: string) => void;
  readonly problem: (text: string) => void;
}

/** One fault, for the results. */
export interface AppliedSkew extends ClockSkew {
  readonly node: number;
  /** Until all that has to follow from it did, in milliseconds; null: it did not in time. */
  readonly toldAfterMs: number | null;
}

/** Clocks are compared every 2 s, and leadership is offered to others as often. */
const toldMsMax = 10_000;
const lookMs = 100;
const callMsMax = 2000;
/** Of what a node says of its clock: it asked the others a moment ago, and those may count the time a little slower. */
const accuracyMs = 2000;

export class ClockTrouble {
  readonly #options: ClockTroubleOptions;
  readonly applied: AppliedSkew[] = [];

  constructor(options: ClockTroubleOptions) {
    this.#options = options;
  }

  /** From the first moment to the last, and until the clocks agree again. */
  async at(node: number, skew: ClockSkew, isOver: Promise<void>): Promise<void> {
    const { cluster, say } = this.#options;
    say(`clocks of node ${node}: ${describeSkew(skew)}`);
    cluster.setClock(node, skew);
    const toldAfterMs = await this.#untilTold(node, skew);
    await isOver;
    // It still is so, at the end.
    if (toldAfterMs !== null) await this.#untilTold(node, skew);
    await this.#judgeTime(node, skew);
    cluster.setClock(node, trueClock);
    const agreeAfterMs = await this.#untilTold(node, trueClock);
    this.applied.push({ node, ...skew, toldAfterMs });
    say(`clocks of node ${node}: told after ${toldAfterMs} ms, right again after ${agreeAfterMs} ms`);
  }

  /** Milliseconds; null: what it has to be was not so in time, which is a problem. */
  async #untilTold(node: number, skew: ClockSkew): Promise<number | null> {
    const { nowMs, problem } = this.#options;
    const beganMs = nowMs();
    for (;;) {
      const wrong = await this.#untold(node, skew).catch((error: unknown) => String(error));
      const afterMs = Math.round(nowMs() - beganMs);
      if (wrong === undefined) return afterMs;
      if (afterMs > toldMsMax) {
        problem(`node ${node}, whose clocks are ${describeSkew(skew)}, after ${toldMsMax} ms: ${wrong}`);
        return null;
      }
      await delay(lookMs);
    }
  }

  /** What is not said, or not so; undefined when all is. */
  async #untold(node: number, skew: ClockSkew): Promise<string | undefined> {
    const { cluster } = this.#options;
    const standing = isApart(skew) ? "apart" : "together";
    for (const other of cluster.nodes) {
      const { clock } = await this.#ask(other, (store, signal) => store.status({ signal }));
      const expected = other === node ? standing : "together";
      if (clock.standing !== expected) return `node ${other} is ${clock.standing}`;
      if (other === node && !isNear(clock.aheadMs, skew))
        return `it says that it is ${clock.aheadMs} ms ahead`;
    }
    const { nodeId, system, shards } = await this.#ask(node, (store, signal) => store.cluster({ signal }));
    const led = [system, ...shards].filter(({ leader }) => leader === nodeId).length;
    if (isApart(skew) && led > 0) return `it leads ${led} groups`;
    return this.#untoldToOperators(cluster.endpoint(node), skew);
  }

  async #untoldToOperators(endpoint: string, skew: ClockSkew): Promise<string | undefined> {
    const aheadSeconds = await askMetric(endpoint, "holdfast_clock_ahead_seconds");
    if (aheadSeconds === undefined || !isNear(1000 * aheadSeconds, skew))
      return `holdfast_clock_ahead_seconds is ${aheadSeconds}`;
    const findings = await askDoctor(endpoint);
    const finding = findings.find(({ check }) => check === "node-clock");
    if (finding?.severity !== (isApart(skew) ? "error" : "ok"))
      return `doctor says of the node's clock: ${JSON.stringify(finding)}`;
    return undefined;
  }

  /** What is stored by way of the node has a time that the others could have given it. */
  async #judgeTime(node: number, skew: ClockSkew): Promise<void> {
    const { cluster, bucket, problem } = this.#options;
    const name = `${bucket}/clock/${node}`;
    try {
      await this.#ask(node, (store, signal) => store.storeFile(name, describeSkew(skew), { signal }));
      const other = (node + 1) % cluster.size;
      const { modifiedAtMs } = await this.#ask(other, (store, signal) => store.statFile(name, { signal }));
      const aheadMs = modifiedAtMs - Date.now();
      if (aheadMs > apartMsMax)
        problem(`${name} has a time ${aheadMs} ms ahead; clocks of node ${node}: ${describeSkew(skew)}`);
    } catch (error) {
      // Whether it serves is the prober's to judge.
      this.#options.say(`${name} was not stored: ${String(error)}`);
    }
  }

  async #ask<T>(node: number, question: (store: Store, signal: AbortSignal) => Promise<T>): Promise<T> {
    const store = await this.#options.cluster.connect(node, callMsMax);
    try {
      return await question(store, AbortSignal.timeout(callMsMax));
    } finally {
      store.close();
    }
  }
}

function isNear(aheadMs: number, skew: ClockSkew): boolean {
  return Math.abs(aheadMs - skew.aheadMs) <= accuracyMs;
}
