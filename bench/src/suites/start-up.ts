/** Start-up with many files after `kill -9` amid writes, against the start on an empty directory. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Round, Row } from "../report.ts";
import { cpuSeconds } from "../servers/process-usage.ts";
import { startServerProcess } from "../servers/server-process.ts";
import { Population } from "./population.ts";
import type { SuiteOptions } from "./suite.ts";

const roundCount = 3;
const connections = 64;
const startUpMsMax = 5000;

export async function startUpSuite({ files, fileBytes }: SuiteOptions): Promise<readonly Row[]> {
  const population = await Population.open(files, fileBytes);
  try {
    await population.fill(0, files, connections);
    return await startUpRows(population, files);
  } finally {
    await population.close();
  }
}

/** The population is filled. */
export async function startUpRows(population: Population, files: number): Promise<readonly Row[]> {
  const rounds: Round[] = [];
  const notes: string[] = [];
  for (let i = 0; i < roundCount; i++) {
    const { startUpMs, pid } = await population.crash(connections);
    notes.push(`${cpuSeconds(pid).toFixed(2)} s of CPU`);
    rounds.push({ value: startUpMs, limit: await emptyStartMs(), generatorCores: 0 });
  }
  return [
    {
      name: `start-up with ${files.toLocaleString("en")} files after kill -9 amid writes, to the first answer`,
      unit: "ms",
      durable: "every file acknowledged before the kill",
      limitName: "start on an empty directory",
      rounds,
      target: { of: "value", bound: "at most", is: startUpMsMax },
      notes,
    },
  ];
}

async function emptyStartMs(): Promise<number> {
  const data = await mkdtemp(join(tmpdir(), "holdfast-bench-"));
  try {
    const server = await startServerProcess(data);
    await server.stop();
    return server.startUpMs;
  } finally {
    await rm(data, { recursive: true, force: true });
  }
}
