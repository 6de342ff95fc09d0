/** From the start of the process to its `ready` line, on an empty directory: `holdfast server`, ten times. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const cli = resolve(import.meta.dirname, "../../../packages/holdfast/src/cli.ts");
const runs = 10;
const limitMs = 1000;

export async function startUp(): Promise<boolean> {
  const times: number[] = [];
  for (let run = 0; run < runs; run++) times.push(await oneStart());
  const sorted = [...times].sort((a, b) => a - b);
  const median = ((sorted[runs / 2 - 1] ?? 0) + (sorted[runs / 2] ?? 0)) / 2;
  console.log(`start-up on an empty directory: ${times.map((ms) => ms.toFixed(0)).join(" ")} ms`);
  console.log(`median ${median.toFixed(0)} ms, limit ${limitMs} ms`);
  return median < limitMs;
}

async function oneStart(): Promise<number> {
  const data = await mkdtemp(join(tmpdir(), "holdfast-start-"));
  const flags = ["--data", data, "--s3", "127.0.0.1:0", "--http", "127.0.0.1:0", "--log", "error"];
  const startedMs = performance.now();
  const child = spawn(process.execPath, ["--conditions=holdfast-source", cli, "server", ...flags], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  const ms = performance.now() - startedMs;
  child.kill("SIGTERM");
  await once(child, "exit");
  await rm(data, { recursive: true, force: true });
  return ms;
}
