/** `holdfast server` as a child process, which can be killed, stood still, and started again on its data. */

import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { ClockSkew } from "./clock-skew.ts";

export const cli: string = resolve(import.meta.dirname, "../../../../packages/holdfast/src/cli.ts");
/** Loaded before the node's own code. */
const preloads = ["dial-through.ts", "skewed-clock.ts"].flatMap((file) => [
  "--import",
  pathToFileURL(resolve(import.meta.dirname, file)).href,
]);
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

/** Of one life of the process. */
export interface ServerLife {
  /** How its clocks are wrong from its first moment on. */
  readonly clock: ClockSkew;
  readonly environment: Readonly<Record<string, string>>;
}

/** As a node reports to the process that started it, and ends by itself when that is gone. */
type Report =
  | { readonly kind: "ready" }
  | { readonly kind: "failed"; readonly explanation: { readonly code: string; readonly message: string } };

export class ServerProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  readonly #ready: Promise<void>;
  /** Serves, and nobody has asked for its end: what ends it now is a failure. */
  #isWanted = false;

  private constructor(
    { args, journal, dials, onEnd }: ServerProcessOptions,
    { clock, environment }: ServerLife,
  ) {
    const file = openSync(journal, "a");
    const flags = ["--conditions=holdfast-source", "--disable-warning=ExperimentalWarning"];
    const child = spawn(process.execPath, [...flags, ...preloads, cli, "server", ...args], {
      stdio: ["ignore", file, file, "ipc"],
      env: {
        ...process.env,
        ...environment,
        HOLDFAST_CHAOS_DIALS: JSON.stringify(dials),
        HOLDFAST_CHAOS_CLOCK: JSON.stringify(clock),
      },
    });
    closeSync(file);
    this.#child = child;
    const { promise, resolve: resolveReady, reject } = Promise.withResolvers<void>();
    child.on("message", (report: Report) => {
      if (report.kind === "ready") {
        this.#isWanted = true;
        resolveReady();
      } else reject(new Error(`${report.explanation.code}: ${report.explanation.message}`));
    });
    this.#ready = promise;
    promise.catch(() => undefined);
    this.#ended = once(child, "exit").then(([code, signal]) => {
      reject(new Error(`a node ended before it served: exit code ${code}, signal ${signal}`));
      if (this.#isWanted) onEnd(`exit code ${code}, signal ${signal}`);
    });
  }

  static launch(options: ServerProcessOptions, life: ServerLife): ServerProcess {
    return new ServerProcess(options, life);
  }

  /** Resolves when it serves. */
  async ready(): Promise<void> {
    const deadline = AbortSignal.timeout(startDeadlineMs);
    await Promise.race([this.#ready, once(deadline, "abort").then(tooLate)]);
  }

  async kill(): Promise<void> {
    this.#isWanted = false;
    // A process that stands still dies of SIGKILL all the same.
    this.#child.kill("SIGKILL");
    await this.#ended;
  }

  setClock(skew: ClockSkew): void {
    if (this.#child.connected) this.#child.send(skew);
  }

  pause(): void {
    this.#child.kill("SIGSTOP");
  }

  resume(): void {
    this.#child.kill("SIGCONT");
  }
}

function tooLate(): never {
  throw new Error(`a node does not serve in ${startDeadlineMs} ms`);
}
