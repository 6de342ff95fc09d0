/** `holdfast server` as a process of its own, with a limit of open files if need be. */

import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { within } from "./within.ts";

const cli = resolve(import.meta.dirname, "../../../../packages/holdfast/src/cli.ts");
const deadlineMs = 60_000;

export interface ServerChildOptions {
  readonly data: string;
  /** `ulimit -n` of the process. */
  readonly filesMax?: number;
  readonly environment?: Readonly<Record<string, string>>;
}

export class ServerChild {
  readonly child: ChildProcess;
  output = "";
  readonly #ended: Promise<unknown>;

  private constructor(options: ServerChildOptions) {
    const { data, filesMax, environment = {} } = options;
    const limit = filesMax === undefined ? "" : `ulimit -n ${filesMax}; `;
    const args = [process.execPath, "--conditions=holdfast-source", cli, "server", "--data", data];
    const ports = ["--s3", "127.0.0.1:0", "--http", "127.0.0.1:0", "--log", "warn"];
    const env = { ...process.env, ...environment };
    this.child = spawn("sh", ["-c", `${limit}exec "$@"`, "sh", ...args, ...ports], {
      stdio: ["ignore", "pipe", "pipe"],
      env,
    });
    this.child.stdout?.setEncoding("utf8").on("data", (text: string) => (this.output += text));
    this.child.stderr?.setEncoding("utf8").on("data", (text: string) => (this.output += text));
    this.#ended = once(this.child, "close");
  }

  /** Resolves when it serves; rejects with what it said when it ended instead. */
  static async start(options: ServerChildOptions): Promise<ServerChild> {
    const server = new ServerChild(options);
    const ready = new Promise<void>((resolveReady, reject) => {
      server.child.stdout?.on("data", () => {
        if (/^ready .*$/m.test(server.output)) resolveReady();
      });
      server.child.once("close", () => reject(new Error(server.output)));
    });
    await within(ready, deadlineMs, "the ready line");
    return server;
  }

  /** Runs it to its own end; gives its exit code and what it said. */
  static async refused(
    options: ServerChildOptions,
  ): Promise<{ readonly code: number | null; readonly said: string }> {
    const server = new ServerChild(options);
    await within(server.#ended, deadlineMs, `the end of the server; it said ${server.output}`);
    return { code: server.child.exitCode, said: server.output };
  }

  get s3Port(): number {
    return Number(/s3=http:\/\/127\.0\.0\.1:(\d+)/.exec(this.output)?.[1]);
  }

  get httpPort(): number {
    return Number(/ http=http:\/\/127\.0\.0\.1:(\d+)/.exec(this.output)?.[1]);
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Memory of its own, not of files, in bytes. */
  async anonymousBytes(): Promise<number> {
    const status = await readFile(`/proc/${this.pid}/status`, "utf8");
    return Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    this.child.kill(signal);
    await within(this.#ended, deadlineMs, "the end of the server");
  }
}
