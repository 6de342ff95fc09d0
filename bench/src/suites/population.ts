/** A server with many small files: filled over S3 by the load generator, at the rate the server takes them. */

import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { FilesPhase, LoadResult } from "../load/message.ts";
import { runLoad } from "../load/run-load.ts";
import { cpuSeconds } from "../servers/process-usage.ts";
import type { ServerProcess } from "../servers/server-process.ts";
import { accessKey, bucket, secretKey, startServerProcess } from "../servers/server-process.ts";

/** Files that the generator signs and sends in one go; their requests are in its memory at once. */
const filesPerPhase = 20_000;
/** Long enough for the requests to be signed, and for a part of them to be sent. */
const overwriteMs = 2500;

export interface Work {
  readonly requests: number;
  readonly bytesReceived: number;
  readonly seconds: number;
  readonly serverCpuSeconds: number;
  /** Share of a core that the load generator used while its clock ran. */
  readonly generatorCores: number;
}

export class Population {
  readonly files: number;
  readonly data: string;
  readonly #bodyBytes: number;
  #server: ServerProcess;

  private constructor(files: number, bodyBytes: number, data: string, server: ServerProcess) {
    this.files = files;
    this.#bodyBytes = bodyBytes;
    this.data = data;
    this.#server = server;
  }

  /** An empty server for so many files; `inspectPort` until it is started again. */
  static async open(files: number, bodyBytes: number, inspectPort?: number): Promise<Population> {
    const data = await mkdtemp(join(tmpdir(), "holdfast-bench-"));
    return new Population(files, bodyBytes, data, await startServerProcess(data, inspectPort));
  }

  get server(): ServerProcess {
    return this.#server;
  }

  /** Stores the files numbered `from` to `to`, with progress on standard error. */
  async fill(from: number, to: number, connections: number): Promise<Work> {
    let total: Work = { requests: 0, bytesReceived: 0, seconds: 0, serverCpuSeconds: 0, generatorCores: 0 };
    for (let first = from; first < to; first += filesPerPhase) {
      const last = Math.min(to, first + filesPerPhase);
      const work = await this.run("put", first, last, connections);
      total = sum(total, work);
      const rate = Math.round(work.requests / work.seconds);
      console.error(
        `  ${last.toLocaleString("en")} of ${to.toLocaleString("en")} files, ${rate.toLocaleString("en")}/s`,
      );
    }
    return total;
  }

  async run(kind: FilesPhase["kind"], from: number, to: number, connections: number): Promise<Work> {
    const { files: population } = this;
    const shared = { bucket, population, bodyBytes: this.#bodyBytes, accessKey, secretKey };
    const { port, pid } = this.#server;
    const before = cpuSeconds(pid);
    const [result] = await runLoad({ ports: [port], connections, rounds: [{ kind, from, to, ...shared }] });
    if (result === undefined) throw new Error("no result");
    return workOf(result, cpuSeconds(pid) - before);
  }

  /** `kill -9` while files are being overwritten, so that the next start has work; then the start. */
  async crash(connections: number): Promise<ServerProcess> {
    const { files: population } = this;
    const to = Math.min(population, filesPerPhase);
    const shared = { bucket, population, bodyBytes: this.#bodyBytes, accessKey, secretKey };
    const { port } = this.#server;
    const cutOff = runLoad(
      { ports: [port], connections, rounds: [{ kind: "put", from: 0, to, ...shared }] },
      { silent: true },
    );
    const broken = cutOff.then(
      () => false,
      () => true,
    );
    // Signing the requests comes first; what is overwritten once more does not change the listing.
    await Promise.race([setTimeout(overwriteMs), broken]);
    const server = await this.restart("kill");
    await broken;
    return server;
  }

  async restart(end: "kill" | "stop"): Promise<ServerProcess> {
    await this.#server[end]();
    this.#server = await startServerProcess(this.data);
    return this.#server;
  }

  /** Bytes that the data directory occupies on the disk. */
  diskBytes(): number {
    const text = execFileSync("du", ["-s", "--block-size=1", this.data], { encoding: "utf8" });
    return Number(text.split("\t")[0]);
  }

  async close(): Promise<void> {
    await this.#server.kill();
    await rm(this.data, { recursive: true, force: true });
  }
}

function workOf(result: LoadResult, serverCpuSeconds: number): Work {
  const { requests, bytesReceived, seconds } = result;
  return { requests, bytesReceived, seconds, serverCpuSeconds, generatorCores: result.cpuSeconds / seconds };
}

function sum(a: Work, b: Work): Work {
  return {
    requests: a.requests + b.requests,
    bytesReceived: a.bytesReceived + b.bytesReceived,
    seconds: a.seconds + b.seconds,
    serverCpuSeconds: a.serverCpuSeconds + b.serverCpuSeconds,
    generatorCores: Math.max(a.generatorCores, b.generatorCores),
  };
}
