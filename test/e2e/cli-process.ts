/** The real command in real processes. Everything is waited for by event, with a deadline. */

import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";

const cli = fileURLToPath(new URL("../../packages/holdfast/src/cli.ts", import.meta.url));
const deadlineMs = 60_000;

/** The command as it is started here: `node ARGS`. */
export function cliArguments(args: readonly string[]): readonly string[] {
  return ["--conditions=holdfast-source", cli, ...args];
}

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly endpoint?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly input?: string;
}

/** Runs a command to its end. */
export async function run(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const running = new CliProcess(process.execPath, cliArguments(args), options);
  running.child.stdin?.end(options.input ?? "");
  return running.finished();
}

export class CliProcess {
  readonly child: ChildProcess;
  stdout = "";
  stderr = "";
  readonly #closed: Promise<unknown>;

  constructor(command: string, args: readonly string[], options: RunOptions = {}) {
    const { endpoint = "http://127.0.0.1:1", environment = {} } = options;
    const keys = ["HOLDFAST_ACCESS_KEY", "HOLDFAST_SECRET_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
    const inherited = Object.entries(process.env).filter(([name]) => !keys.includes(name));
    const env = { ...Object.fromEntries(inherited), HOLDFAST_ENDPOINT: endpoint, ...environment };
    this.child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"], env });
    this.child.stdout?.setEncoding("utf8").on("data", (text: string) => (this.stdout += text));
    this.child.stderr?.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
    this.#closed = once(this.child, "close");
  }

  async finished(): Promise<Finished> {
    await within(this.#closed, () => `the end of the command; it said: ${this.stdout}${this.stderr}`);
    return { code: this.child.exitCode, stdout: this.stdout, stderr: this.stderr };
  }

  /** Resolves with the match once the stream has it. */
  async output(pattern: RegExp, stream: "stdout" | "stderr" = "stdout"): Promise<RegExpExecArray> {
    const found = new Promise<RegExpExecArray>((resolve, reject) => {
      const look = (): void => {
        const match = pattern.exec(this[stream]);
        if (match !== null) resolve(match);
      };
      this.child[stream]?.on("data", look);
      this.child.once("close", () =>
        reject(new Error(`ended before ${pattern.source}: ${this.stdout}${this.stderr}`)),
      );
      look();
    });
    return within(found, () => `${pattern.source}; so far: ${this.stdout}${this.stderr}`);
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }
}

async function within<T>(promise: Promise<T>, what: () => string): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`waited too long for ${what()}`)), deadlineMs);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

export interface DevStore {
  readonly process: CliProcess;
  readonly s3: string;
  readonly http: string;
  readonly line: string;
}

const readyLine = /^ready s3=(\S+) http=(\S+) nodes=\d+ data=(\S+)$/m;

/** A `holdfast dev` on free ports, ended with the test; of one node unless the arguments say otherwise. */
export async function startDev(t: Pick<TestContext, "after">, args: readonly string[]): Promise<DevStore> {
  const nodes = args.includes("--nodes") ? [] : ["--nodes", "1"];
  const dev = cliArguments(["dev", "--base-port", "0", ...nodes, ...args]);
  const started = new CliProcess(process.execPath, dev);
  t.after(async () => {
    started.kill("SIGTERM");
    await started.finished();
  });
  const [line, s3 = "", http = ""] = await started.output(readyLine);
  return { process: started, line, s3, http };
}

/** Folders of tests that have ended. They go with the process: hooks run in their order, and what writes there ends later. */
const leftFolders: string[] = [];
process.once("exit", () => {
  for (const folder of leftFolders) rmSync(folder, { recursive: true, force: true });
});

/** A folder that goes with the test. */
export async function temporaryFolder(t: Pick<TestContext, "after">): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-e2e-"));
  t.after(() => void leftFolders.push(folder));
  return folder;
}

/** Whether a process with this id runs. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Resolves when nobody accepts connections there any more; a process that is no child of ours has no end event. */
export async function untilUnreachable(address: string): Promise<void> {
  const giveUpAtMs = performance.now() + deadlineMs;
  while (performance.now() < giveUpAtMs) {
    try {
      await (await fetch(`${address}/healthz`)).arrayBuffer();
    } catch {
      return;
    }
  }
  throw new Error(`${address} still answers`);
}
