/**
 * Large files by `holdfast cp`: the memory of a transfer of 1 GiB, and what one of 2 GiB takes against a single stream in the same run.
 * Every copy comes back byte for byte.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { connect } from "@holdfast/client";
import type { Target } from "./single-stream.ts";
import { getSingle, putSingle } from "./single-stream.ts";
import { fileDigest, makeBigFile } from "./tree.ts";

const cli = resolve(import.meta.dirname, "../../../packages/holdfast/src/cli.ts");
const GiB = 1024 ** 3;
const MiB = 1024 ** 2;
const rssAnonBytesMax = 256 * MiB;
const rounds = 2;
/**
 * Of a single stream's processor time, client and node together: the run is judged by it, since on shared cores time on the wall, which is
 * printed too, says more about the neighbours. `cp` checks the whole file's CRC-32, which the single stream does not.
 */
const processorRatioMax = 1.15;
/** Linux counts processor time in hundredths of a second. */
const ticksPerSecond = 100;

export async function transfers(): Promise<boolean> {
  const work = await mkdtemp(join(tmpdir(), "holdfast-transfers-"));
  try {
    const isBounded = await measureMemory(work);
    const isQuick = await measureTime(work);
    return isBounded && isQuick;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function measureMemory(work: string): Promise<boolean> {
  const [source, back] = [join(work, "memory"), join(work, "memory-back")];
  await makeBigFile(source, GiB);
  const peaks = await withServer(work, async (target) => [
    await copied(target, [source, "hf://bucket/file"]),
    await copied(target, ["hf://bucket/file", back]),
  ]);
  const isSame = (await fileDigest(source)) === (await fileDigest(back));
  await rm(source);
  await rm(back);
  const [up = 0, down = 0] = peaks.map(({ rssAnonBytes }) => rssAnonBytes);
  const text = [up, down].map((bytes) => `${Math.round(bytes / MiB)} MiB`).join(" in, ");
  console.log(
    `memory: 1 GiB with RssAnon of ${text} out at most, limit ${rssAnonBytesMax / MiB} MiB; ${same(isSame)}`,
  );
  return isSame && Math.max(up, down) <= rssAnonBytesMax;
}

async function measureTime(work: string): Promise<boolean> {
  const [source, back] = [join(work, "time"), join(work, "time-back")];
  await makeBigFile(source);
  const digest = await fileDigest(source);
  const costs = { in: new Costs(), out: new Costs() };
  let isSame = true;
  for (let round = 0; round < rounds; round++) {
    await withServer(work, async (target) => {
      await costs.in.single(target, () => putSingle(target, "bucket/single", source));
      await costs.in.copy(target, () => copied(target, [source, "hf://bucket/file"]));
      await costs.out.copy(target, () => copied(target, ["hf://bucket/file", back]));
      isSame &&= (await fileDigest(back)) === digest;
      await rm(back);
      await costs.out.single(target, () => getSingle(target, "bucket/single", back));
      await rm(back);
    });
  }
  for (const way of ["in", "out"] as const)
    console.log(`2 GiB ${way}: ${costs[way].text()}; ${same(isSame)}`);
  return isSame && Math.max(costs.in.processorRatio, costs.out.processorRatio) <= processorRatioMax;
}

interface Cost {
  wallMs: number;
  processorSeconds: number;
}

/** What both ways of moving one file took, over all rounds. */
class Costs {
  readonly #single: Cost = { wallMs: 0, processorSeconds: 0 };
  readonly #copy: Cost = { wallMs: 0, processorSeconds: 0 };

  async single(target: Server, run: () => Promise<void>): Promise<void> {
    const own = process.cpuUsage();
    await add(this.#single, target, async () => {
      await run();
      const { user, system } = process.cpuUsage(own);
      return (user + system) / 1e6;
    });
  }

  async copy(target: Server, run: () => Promise<Copied>): Promise<void> {
    await add(this.#copy, target, async () => (await run()).processorSeconds);
  }

  get processorRatio(): number {
    return this.#copy.processorSeconds / this.#single.processorSeconds;
  }

  text(): string {
    const [single, copy] = [this.#single, this.#copy];
    const wall = `${shown(copy.wallMs)} of ${shown(single.wallMs)} (${(copy.wallMs / single.wallMs).toFixed(2)})`;
    const processor = `${copy.processorSeconds.toFixed(1)} of ${single.processorSeconds.toFixed(1)} s`;
    return `cp took ${processor} of processor time of a single stream (${this.processorRatio.toFixed(2)}), on the wall ${wall}`;
  }
}

async function add(cost: Cost, { processId }: Server, run: () => Promise<number>): Promise<void> {
  const [startedMs, before] = [performance.now(), await processorSeconds(processId)];
  const ownSeconds = await run();
  cost.wallMs += performance.now() - startedMs;
  cost.processorSeconds += ownSeconds + (await processorSeconds(processId)) - before;
}

/** Of a process until now; 0 once it is gone. */
async function processorSeconds(processId: number): Promise<number> {
  const stat = await readFile(`/proc/${processId}/stat`, "utf8").catch(() => "");
  const [user = 0, system = 0] = stat.slice(stat.lastIndexOf(")")).split(" ").slice(12, 14).map(Number);
  return (user + system) / ticksPerSecond;
}

interface Server extends Target {
  readonly processId: number;
}

async function withServer<T>(work: string, run: (target: Server) => Promise<T>): Promise<T> {
  const data = await mkdtemp(join(work, "data-"));
  const keys = { accessKey: "holdfast", secretKey: "holdfast-dev-secret" };
  const flags = ["--data", data, "--s3", "127.0.0.1:0", "--http", "127.0.0.1:0", "--log", "error"];
  const server = spawn(process.execPath, ["--conditions=holdfast-source", cli, "server", ...flags], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const [line] = (await once(server.stdout, "data")) as [Buffer];
    const endpoint = /http=(\S+)/.exec(line.toString())?.[1] ?? "";
    const store = await connect({ endpoint, ...keys });
    await store.createBucket("bucket");
    store.close();
    return await run({ endpoint, ...keys, processId: server.pid ?? 0 });
  } finally {
    server.kill("SIGTERM");
    await once(server, "exit");
    await rm(data, { recursive: true, force: true });
  }
}

interface Copied {
  readonly rssAnonBytes: number;
  readonly processorSeconds: number;
}

/** Runs `holdfast cp` and watches its memory and its processor time while it does. */
async function copied({ endpoint }: Target, names: readonly string[]): Promise<Copied> {
  const child = spawn(process.execPath, ["--conditions=holdfast-source", cli, "cp", ...names], {
    env: { ...process.env, HOLDFAST_ENDPOINT: endpoint },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const exit = once(child, "exit");
  let rssAnonBytes = 0;
  let seconds = 0;
  while (child.exitCode === null && child.signalCode === null) {
    const status = await readFile(`/proc/${child.pid}/status`, "utf8").catch(() => "");
    rssAnonBytes = Math.max(rssAnonBytes, Number(/RssAnon:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024);
    seconds = Math.max(seconds, await processorSeconds(child.pid ?? 0));
    await Promise.race([exit, delay(20)]);
  }
  if (child.exitCode !== 0) throw new Error(`holdfast cp ${names.join(" ")}: exit ${child.exitCode}`);
  return { rssAnonBytes, processorSeconds: seconds };
}

function shown(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function same(isSame: boolean): string {
  return isSame ? "byte for byte" : "DIFFERENT";
}
