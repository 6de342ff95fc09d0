/**
 * Large files by `holdfast cp`: the memory of a transfer of 1 GiB, and the time of one of 2 GiB against a single stream in the same run.
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
const rounds = 3;
/** Of a single stream's time: what two noisy cores leave in doubt is not held against either. */
const slowerMax = 1.1;

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
  const ratios = { in: [] as number[], out: [] as number[] };
  let isSame = true;
  for (let round = 0; round < rounds; round++) {
    await withServer(work, async (target) => {
      const single = { in: await timed(() => putSingle(target, "bucket/single", source)), out: 0 };
      const parallel = { in: await timed(() => copied(target, [source, "hf://bucket/file"])), out: 0 };
      parallel.out = await timed(() => copied(target, ["hf://bucket/file", back]));
      isSame &&= (await fileDigest(back)) === digest;
      await rm(back);
      single.out = await timed(() => getSingle(target, "bucket/single", back));
      await rm(back);
      for (const way of ["in", "out"] as const) ratios[way].push(parallel[way] / single[way]);
      console.log(
        `round ${round + 1}: in ${shown(single.in)} single, ${shown(parallel.in)} cp; out ${shown(single.out)} single, ${shown(parallel.out)} cp`,
      );
    });
  }
  const [inRatio, outRatio] = [median(ratios.in), median(ratios.out)];
  console.log(
    `time: 2 GiB by cp took ${inRatio.toFixed(2)} of a single stream's time in, ${outRatio.toFixed(2)} out (medians of ${rounds}); ${same(isSame)}`,
  );
  return isSame && Math.max(inRatio, outRatio) <= slowerMax;
}

async function withServer<T>(work: string, run: (target: Target) => Promise<T>): Promise<T> {
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
    return await run({ endpoint, ...keys });
  } finally {
    server.kill("SIGTERM");
    await once(server, "exit");
    await rm(data, { recursive: true, force: true });
  }
}

/** Runs `holdfast cp` and watches its own memory while it does. */
async function copied(
  { endpoint }: Target,
  names: readonly string[],
): Promise<{ readonly rssAnonBytes: number }> {
  const child = spawn(process.execPath, ["--conditions=holdfast-source", cli, "cp", ...names], {
    env: { ...process.env, HOLDFAST_ENDPOINT: endpoint },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const exit = once(child, "exit");
  let rssAnonBytes = 0;
  while (child.exitCode === null && child.signalCode === null) {
    const status = await readFile(`/proc/${child.pid}/status`, "utf8").catch(() => "");
    rssAnonBytes = Math.max(rssAnonBytes, Number(/RssAnon:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024);
    await Promise.race([exit, delay(20)]);
  }
  if (child.exitCode !== 0) throw new Error(`holdfast cp ${names.join(" ")}: exit ${child.exitCode}`);
  return { rssAnonBytes };
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await run();
  return performance.now() - startedMs;
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

function shown(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function same(isSame: boolean): string {
  return isSame ? "byte for byte" : "DIFFERENT";
}
