/** One node of `holdfast dev`: started, watched, started again if that was asked for, and stopped with a deadline. */

import { Failure, messageOf } from "../command-line/failure.ts";
import type { ServedAt } from "../server/ready-line.ts";
import type { NodeEnvironment, NodeProcess } from "./node-process.ts";
import { endText } from "./node-process.ts";
import type { PlannedNode } from "./plan.ts";

export interface SupervisedNodeOptions {
  readonly planned: PlannedNode;
  readonly respawn: boolean;
  readonly launch: (args: readonly string[], environment?: NodeEnvironment) => NodeProcess;
  /** A line for the user. */
  readonly note: (text: string) => void;
}

/** A node that ends again and again is started ever more slowly; one that ran for a while starts at once. */
const respawnDelayMsMin = 250;
const respawnDelayMsMax = 10_000;
const steadyMs = 30_000;
/** The node's own deadlines are shorter. */
const stopDeadlineMs = 45_000;

export class SupervisedNode {
  readonly #options: SupervisedNodeOptions;
  readonly #stopRequested = Promise.withResolvers<"stop">();
  #isStopping = false;
  #process: NodeProcess | undefined;

  constructor(options: SupervisedNodeOptions) {
    this.#options = options;
  }

  get number(): number {
    return this.#options.planned.number;
  }

  /** Resolves when it serves, and is watched from then on; rejects with what it reported when it could not start. Once. */
  async start(environment?: NodeEnvironment): Promise<ServedAt> {
    if (this.#isStopping) throw new Failure(`node ${this.number} is to stop`, { code: "Stopped" });
    const process = this.#options.launch(this.#options.planned.args, environment);
    this.#process = process;
    const at = await process.ready;
    void this.#watch(process);
    return at;
  }

  /** Resolves when it has ended; rejects when it had to be killed. A node that ended before, or never started, is fine. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#stopRequested.resolve("stop");
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.kill();
    }, stopDeadlineMs);
    this.#process?.kill("SIGTERM");
    await this.#process?.ended;
    clearTimeout(timer);
    if (late)
      throw new Failure(`node ${this.number} did not stop in time and was killed`, { code: "StopTimeout" });
  }

  kill(): void {
    this.#process?.kill("SIGKILL");
  }

  /** Never rejects. */
  async #watch(first: NodeProcess): Promise<void> {
    const { respawn, planned, launch, note } = this.#options;
    let process = first;
    let delayMs = respawnDelayMsMin;
    for (;;) {
      const startedMs = performance.now();
      const end = await process.ended;
      if (this.#isStopping) return;
      const again = `it stays down; start it with: holdfast server --config ${planned.config}`;
      note(`node ${this.number} ended (${endText(end)}); ${respawn ? "starting it again" : again}`);
      if (!respawn) return;
      const wasSteady = performance.now() - startedMs > steadyMs;
      delayMs = wasSteady ? respawnDelayMsMin : Math.min(2 * delayMs, respawnDelayMsMax);
      if ((await this.#pause(delayMs)) === "stop") return;
      // It belongs to its cluster by now and needs no token.
      process = launch(planned.args);
      this.#process = process;
      this.#tellOf(process);
    }
  }

  #tellOf(process: NodeProcess): void {
    const { note } = this.#options;
    process.ready.then(
      (at) => note(`node ${this.number} serves again: s3=${at.s3} http=${at.http}`),
      (error: unknown) => note(`node ${this.number} did not start: ${messageOf(error)}`),
    );
  }

  async #pause(delayMs: number): Promise<"again" | "stop"> {
    const { promise, resolve } = Promise.withResolvers<"again">();
    const timer = setTimeout(() => resolve("again"), delayMs);
    try {
      return await Promise.race([promise, this.#stopRequested.promise]);
    } finally {
      clearTimeout(timer);
    }
  }
}
