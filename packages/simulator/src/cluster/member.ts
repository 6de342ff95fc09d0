/** One node of a simulated cluster: a machine, and the process that runs on it or comes up there, again and again. */

import type { StoreError } from "@holdfast/base";
import { StoreError as StoreErrorClass } from "@holdfast/base";
import { BlockError } from "@holdfast/blocks";
import type { HoldfastNode, NodeFailure, NodeOptions } from "@holdfast/node";
import { DiskError } from "@holdfast/ports";
import type { Simulation } from "@holdfast/ports/simulated";
import { WalError } from "@holdfast/wal";
import type { SimulatedMachine } from "../machine/simulated-machine.ts";

export interface MemberOptions {
  readonly number: number;
  readonly machine: SimulatedMachine;
  readonly simulation: Simulation;
  /** Asked for before each start. */
  readonly options: () => NodeOptions;
  readonly trace: (line: string) => void;
  /** A start that was refused, and began then: whether something excuses it. */
  readonly tolerates: (error: StoreError, sinceMs: number) => boolean;
  /** The node gave up by itself. */
  readonly onFailed: (reason: NodeFailure) => void;
}

/** A process from its start to its death. */
export interface Run {
  readonly died: Promise<void>;
  readonly isOver: boolean;
  readonly node: HoldfastNode | undefined;
}

class Process implements Run {
  readonly died: Promise<void>;
  /** When it serves; never, if it dies before. */
  readonly started: Promise<HoldfastNode>;
  readonly #die: () => void;
  readonly #serve: (node: HoldfastNode) => void;
  isOver = false;
  node: HoldfastNode | undefined;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.died = promise;
    this.#die = resolve;
    const serving = Promise.withResolvers<HoldfastNode>();
    this.started = serving.promise;
    this.#serve = serving.resolve;
  }

  serve(node: HoldfastNode): void {
    this.node = node;
    this.#serve(node);
  }

  end(): void {
    this.isOver = true;
    this.#die();
  }
}

const startAgainMs = 300;

export class Member {
  readonly number: number;
  readonly machine: SimulatedMachine;
  readonly #options: MemberOptions;
  #process: Process | undefined;
  #isStopping = false;
  #problem: unknown;

  constructor(options: MemberOptions) {
    this.#options = options;
    this.number = options.number;
    this.machine = options.machine;
  }

  /** The process that runs, or that is coming up. */
  get run(): Run | undefined {
    return this.#process;
  }

  /** While it serves. */
  get node(): HoldfastNode | undefined {
    return this.#process?.node;
  }

  get isStopping(): boolean {
    return this.#isStopping;
  }

  /** Throws what the node did that nothing excuses. */
  check(): void {
    if (this.#problem !== undefined) throw this.#problem;
  }

  /** Boots, again and again until a boot succeeds or is cut short; then it never resolves. */
  start(): Promise<HoldfastNode> {
    if (this.#process !== undefined) return this.#process.started;
    const process = new Process();
    this.#process = process;
    void this.#boot(process);
    return process.started;
  }

  crash(kind: "kill" | "power-loss"): void {
    this.#options.trace(`node ${this.number}: ${kind}`);
    const process = this.#process;
    this.#process = undefined;
    this.#isStopping = false;
    // Nobody is told anything by a process that is dead.
    process?.end();
    if (kind === "kill") this.machine.kill();
    else this.machine.powerLoss();
  }

  /** As an operator stops it; resolves when the process has ended. */
  async stop(): Promise<void> {
    const process = this.#process;
    if (process?.node === undefined) return;
    this.#options.trace(`node ${this.number}: stop`);
    this.#isStopping = true;
    await Promise.race([process.node.stop(), process.died]);
    if (this.#process === process) this.crash("kill");
  }

  async #boot(process: Process): Promise<void> {
    const { simulation, trace, tolerates, options, onFailed } = this.#options;
    while (!process.isOver) {
      const sinceMs = simulation.nowMs;
      trace(`node ${this.number}: boot`);
      try {
        const node = await this.machine.boot(options());
        if (process.isOver) return;
        trace(`node ${this.number}: started`);
        void node.failed.then((reason) => {
          if (!process.isOver) onFailed(reason);
        });
        process.serve(node);
      } catch (error) {
        if (process.isOver) return;
        const refusal = refusalOf(error);
        if (refusal === undefined || !tolerates(refusal, sinceMs)) {
          this.#problem = error;
          return;
        }
        trace(`node ${this.number}: refuses to start: ${refusal.code}`);
        this.machine.kill();
        await new Promise<void>((wake) => simulation.after(startAgainMs, wake));
        continue;
      }
      return;
    }
  }
}

/** A disk may fail at a start, too: whoever looks after the node starts it again. Anything else is nobody's to excuse. */
function refusalOf(error: unknown): StoreError | undefined {
  if (error instanceof StoreErrorClass) return error;
  const hasDiskFailed =
    error instanceof DiskError ||
    (error instanceof BlockError && error.kind === "poisoned") ||
    (error instanceof WalError && error.kind === "poisoned");
  return hasDiskFailed ? new StoreErrorClass("Unavailable", error.message, { cause: error }) : undefined;
}
