/** What goes wrong while clients work: one fault after another, each ended before the next. */

import type { RegisterCluster } from "./register-cluster.ts";

export type FaultName = "kill" | "kill leader" | "pause" | "isolate" | "split" | "one-way" | "chain";

const faults: readonly FaultName[] = ["kill", "kill leader", "pause", "isolate", "split", "one-way", "chain"];

export class Nemesis {
  readonly #cluster: RegisterCluster;
  readonly #draw: (count: number) => number;
  readonly counts: Map<FaultName, number> = new Map();

  constructor(cluster: RegisterCluster, draw: (count: number) => number) {
    this.#cluster = cluster;
    this.#draw = draw;
  }

  /** One fault, from its beginning to its end. `lasts`: resolves after about so many milliseconds. */
  async strike(lasts: (ms: number) => Promise<void>): Promise<void> {
    const fault = faults[this.#draw(faults.length)] ?? "kill";
    this.counts.set(fault, (this.counts.get(fault) ?? 0) + 1);
    const durationMs = 200 + this.#draw(2500);
    const cluster = this.#cluster;
    const { size } = cluster;
    const victim = this.#draw(size);
    switch (fault) {
      case "kill":
        return this.#kill(victim, lasts(durationMs));
      case "kill leader":
        return this.#kill((await cluster.leader()) ?? victim, lasts(durationMs));
      case "pause":
        cluster.pause(victim);
        await lasts(durationMs);
        return cluster.resume(victim);
      case "isolate":
        cluster.cut((a, b) => a === victim || b === victim);
        break;
      case "split":
        cluster.cut((a, b) => a < victim !== b < victim);
        break;
      case "one-way":
        cluster.stall((from, to) => from === victim && to !== victim);
        break;
      case "chain":
        cluster.cut((a, b) => Math.abs(((a + victim) % size) - ((b + victim) % size)) > 1);
        break;
    }
    await lasts(durationMs);
    cluster.heal();
  }

  async #kill(victim: number, over: Promise<void>): Promise<void> {
    await this.#cluster.kill(victim);
    await over;
    await this.#cluster.start(victim);
  }
}
