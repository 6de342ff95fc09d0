/** The real thing: `holdfast server` as a child process, on ports that stay the same over its lives. */

import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { resolve } from "node:path";
import { createInterface } from "node:readline";

const cli = resolve(import.meta.dirname, "../../../packages/holdfast/src/cli.ts");
const startDeadlineMs = 30_000;

export interface Ports {
  readonly s3: number;
  readonly http: number;
}

export async function freePorts(): Promise<Ports> {
  return { s3: await freePort(), http: await freePort() };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

export class ServerProcess {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#exited = once(child, "exit");
  }

  /** Resolves when it serves. */
  static async start(data: string, ports: Ports): Promise<ServerProcess> {
    const flags = [
      "--data",
      data,
      "--s3",
      `127.0.0.1:${ports.s3}`,
      "--http",
      `127.0.0.1:${ports.http}`,
      "--log",
      "error",
    ];
    const child = spawn(process.execPath, ["--conditions=holdfast-source", cli, "server", ...flags], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const server = new ServerProcess(child);
    const signal = AbortSignal.timeout(startDeadlineMs);
    const lines = createInterface({ input: child.stdout });
    const ready = once(lines, "line", { signal });
    const [line] = (await Promise.race([ready, server.#exited.then(() => ["ended"])])) as [string];
    if (!line.startsWith("ready ")) throw new Error(`the server does not start: ${line}`);
    return server;
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exited;
  }

  async stop(): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#exited;
  }
}
