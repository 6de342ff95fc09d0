/** Brings about the plan's bad day, and says which answers it excuses. */

import type { ErrorCode, Random, StoreError } from "@holdfast/base";
import { chance, uniform } from "@holdfast/base";
import type { SimulatedMachine } from "../machine/simulated-machine.ts";
import type { Plan } from "./plan.ts";

export class Faults {
  readonly #plan: Plan;
  readonly #machine: SimulatedMachine;
  readonly #random: Random;
  readonly #trace: (line: string) => void;
  #isOver = false;

  constructor(plan: Plan, machine: SimulatedMachine, random: Random, trace: (line: string) => void) {
    this.#plan = plan;
    this.#machine = machine;
    this.#random = random;
    this.#trace = trace;
  }

  /** Something goes wrong now, in the midst of requests. */
  strike(): void {
    const { fault } = this.#plan;
    if (fault === "none" || this.#isOver) return;
    this.#trace(`fault: ${fault}`);
    switch (fault) {
      case "sync-fails":
        if (chance(this.#random, 0.2)) this.#machine.disk.failNext("sync-directory");
        else this.#machine.disk.failNextSync(chance(this.#random, 0.5) ? /^log\// : undefined);
        return;
      case "write-fails":
        this.#machine.disk.failNext("write", chance(this.#random, 0.5) ? /^log\// : undefined);
        return;
      case "flush-fails":
        this.#machine.failNextFlush(chance(this.#random, 0.5) ? "state" : "block-index");
        return;
      case "disk-full":
        this.#fill();
        return;
      case "clock-jumps":
        this.#machine.jumpWall((uniform(this.#random, 7_200) - 3_600) * 1000);
        return;
      case "slow-disk":
        // A part of 5 MiB in small blocks takes a minute on a disk that is thirty times as slow, which is no hang.
        this.#machine.disk.slowness = 1 + uniform(this.#random, this.#plan.manyPartsPerMille > 0 ? 6 : 30);
    }
  }

  /** A sync fails while the node starts. */
  strikeStart(): void {
    if (this.#plan.fault !== "sync-fails" || this.#isOver) return;
    this.#trace("fault: a sync of the start fails");
    this.#machine.disk.failNextSync(chance(this.#random, 0.5) ? /^log\// : undefined);
  }

  /** The world is well again; between two lives, or for the rest of the run. */
  relieve(forGood: boolean): void {
    this.#isOver ||= forGood;
    this.#machine.clearFaults();
    this.#machine.disk.capacityBytes = 2 ** 50;
    this.#machine.disk.slowness = 1;
    // Behind every clock jump before it: what died in the future of then can be collected. And within the 24 hours that
    // results of completed uploads are kept (S20).
    if (forGood && this.#plan.fault === "clock-jumps") this.#machine.jumpWall(12 * 3_600_000);
  }

  tolerates(error: StoreError): boolean {
    return !this.#isOver && excused[this.#plan.fault].includes(error.code);
  }

  /** A node that stopped itself did so for a reason that this run brought about. */
  get mayFail(): boolean {
    return (
      !this.#isOver && ["sync-fails", "write-fails", "flush-fails", "disk-full"].includes(this.#plan.fault)
    );
  }

  #fill(): void {
    const leftBytes = uniform(this.#random, 600 * 1024);
    void this.#machine.disk.space().then(({ freeBytes, totalBytes }) => {
      if (this.#isOver || totalBytes !== 2 ** 50) return;
      this.#machine.disk.capacityBytes = totalBytes - freeBytes + leftBytes;
      this.#trace(`fault: ${leftBytes} bytes left on the disk`);
    });
  }
}

const stopped: readonly ErrorCode[] = ["Unavailable", "Stopped", "OutcomeUnknown"];
const excused: Readonly<Record<Plan["fault"], readonly ErrorCode[]>> = {
  none: [],
  "sync-fails": stopped,
  "write-fails": stopped,
  "flush-fails": stopped,
  "disk-full": [...stopped, "OutOfSpace", "Overloaded"],
  // Readers have the whole grace however clocks jump (S6).
  "clock-jumps": [],
  // A reader that takes longer than the grace may lose what died meanwhile, loudly (S6).
  "slow-disk": ["DataCorrupt"],
};
