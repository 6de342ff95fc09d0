/** A node of the register service as a child process, which can be killed, stood still, and started again. */

import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { createInterface } from "node:readline";

const program = resolve(import.meta.dirname, "../service/main.ts");
const startDeadlineMs = 60_000;

export class Child {
  readonly #process: ChildProcess;
  readonly #exited: Promise<unknown>;
  #isPaused = false;

  private constructor(child: ChildProcess) {
    this.#process = child;
    this.#exited = once(child, "exit");
  }

  /** `options`: for the program, as JSON. Resolves when it listens. `inspectPort`: where Node's inspector does. */
  static async start(options: unknown, inspectPort?: number): Promise<Child> {
    const inspect = inspectPort === undefined ? [] : [`--inspect=127.0.0.1:${inspectPort}`];
    const flags = [
      ...inspect,
      "--conditions=holdfast-source",
      "--disable-warning=ExperimentalWarning",
      program,
    ];
    const spawned = spawn(process.execPath, [...flags, JSON.stringify(options)], {
      // The inspector says on standard error that it is there.
      stdio: ["ignore", "pipe", inspectPort === undefined ? "inherit" : "ignore"],
    });
    const child = new Child(spawned);
    const lines = createInterface({ input: spawned.stdout });
    const ready = once(lines, "line", { signal: AbortSignal.timeout(startDeadlineMs) });
    const [line] = (await Promise.race([ready, child.#exited.then(() => ["ended"])])) as [string];
    if (line !== "ready") throw new Error(`a node of the register service does not start: ${line}`);
    return child;
  }

  get isRunning(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null && !this.#isPaused;
  }

  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#exited;
  }

  pause(): void {
    this.#isPaused = true;
    this.#process.kill("SIGSTOP");
  }

  resume(): void {
    this.#isPaused = false;
    this.#process.kill("SIGCONT");
  }
}
