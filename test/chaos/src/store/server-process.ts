/** `holdfast server` as a child process, which can be killed, stood still, and started again on its data. */

import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const cli = resolve(import.meta.dirname, "../../../../packages/holdfast/src/cli.ts");
const dialThrough = pathToFileURL(resolve(import.meta.dirname, "dial-through.ts")).href;
const startDeadlineMs = 60_000;

export interface ServerProcessOptions {
  /** Of `holdfast server`. */
  readonly args: readonly string[];
  /** Where its journal goes; appended to. */
  readonly journal: string;
  /** From `host:port` to the port that is dialled instead. */
  readonly dials: Readonly<Record<string, number>>;
  /** It ended, and nobody had asked for that. */
  readonly onEnd: (how: string) => void;
}

export class ServerProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #isWanted = true;
  #output = "";

  private constructor(
    { args, journal, dials, onEnd }: ServerProcessOptions,
    environment: Readonly<Record<string, string>>,
  ) {
    const file = openSync(journal, "a");
    const flags = ["--conditions=holdfast-source", "--disable-warning=ExperimentalWarning"];
    this.#child = spawn(process.execPath, [...flags, "--import", dialThrough, cli, "server", ...args], {
      stdio: ["ignore", "pipe", file],
      env: { ...process.env, ...environment, HOLDFAST_CHAOS_DIALS: JSON.stringify(dials) },
    });
    closeSync(file);
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => (this.#output += text));
    this.#ended = once(this.#child, "exit").then(([code, signal]) => {
      if (this.#isWanted) onEnd(`exit code ${code}, signal ${signal}`);
    });
  }

  static launch(
    options: ServerProcessOptions,
    environment: Readonly<Record<string, string>> = {},
  ): ServerProcess {
    return new ServerProcess(options, environment);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Resolves when it serves. */
  async ready(): Promise<void> {
    const endsAt = performance.now() + startDeadlineMs;
    while (!/^ready .*$/m.test(this.#output)) {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null)
        throw new Error("a node ended before it served");
      if (performance.now() > endsAt) throw new Error(`a node does not serve in ${startDeadlineMs} ms`);
      const said = this.#child.stdout === null ? [] : [once(this.#child.stdout, "data")];
      const timeout = AbortSignal.timeout(startDeadlineMs);
      await Promise.race([...said, this.#ended, once(timeout, "abort")]);
    }
  }

  async kill(): Promise<void> {
    this.#isWanted = false;
    // A process that stands still dies of SIGKILL all the same.
    this.#child.kill("SIGKILL");
    await this.#ended;
  }

  pause(): void {
    this.#child.kill("SIGSTOP");
  }

  resume(): void {
    this.#child.kill("SIGCONT");
  }
}
