/**
 * Many small files: in, listed, restarted, deleted, with the server's memory at each power of ten. Rows of the suites `list`
 * and `start-up` come along, since the files are there.
 */

import { setTimeout } from "node:timers/promises";
import { present } from "@holdfast/base";
import { freePorts } from "@holdfast/test-chaos";
import { runLoad } from "../load/run-load.ts";
import { InspectedProcess } from "../profile/inspected-process.ts";
import type { Round, Row } from "../report.ts";
import { startBareServer } from "../servers/child-server.ts";
import { anonymousMiB, peakMemory } from "../servers/process-usage.ts";
import { accessKey, bucket, secretKey } from "../servers/server-process.ts";
import { listRows } from "./list.ts";
import type { Work } from "./population.ts";
import { Population } from "./population.ts";
import { startUpRows } from "./start-up.ts";
import type { SuiteOptions } from "./suite.ts";

const connections = 64;
const deleteConnections = 4;
/** A server at rest gives some garbage back after some seconds. */
const settleMs = 12_000;
/** Freed pages go back to the system from another thread. */
const givenBackMs = 2000;
const growthMax = 1.2;

interface Stage {
  readonly files: number;
  readonly work: Work;
  readonly peakMiB: number;
  readonly settledMiB: number;
  /** Without garbage: what the files really cost. */
  readonly collectedMiB: number;
}

export async function manyFilesSuite({ files, fileBytes }: SuiteOptions): Promise<readonly Row[]> {
  const [inspectPort] = await freePorts(1);
  const population = await Population.open(files, fileBytes, inspectPort);
  try {
    const inspected = await InspectedProcess.open(present(inspectPort, "a port"));
    const stages = await fillInStages(population, inspected, files);
    inspected.close();
    const bytesPerFile = population.diskBytes() / files;
    const intake = await intakeRow(stages, fileBytes, bytesPerFile);
    const listing = await listRows(population, files, fileBytes);
    const listed = anonymousMiB(population.server.pid);
    const starting = await startUpRows(population, files);
    const deletion = await deletionRow(population, files);
    return [intake, ...memoryRows(stages, listed), ...listing, ...starting, deletion];
  } finally {
    await population.close();
  }
}

async function fillInStages(
  population: Population,
  inspected: InspectedProcess,
  files: number,
): Promise<readonly Stage[]> {
  const stages: Stage[] = [];
  let from = 0;
  for (const to of [files / 100, files / 10, files]) {
    const { pid } = population.server;
    const { result: work, peakMiB } = await peakMemory(pid, population.fill(from, to, connections));
    await setTimeout(settleMs);
    const settledMiB = anonymousMiB(pid);
    await inspected.collectGarbage();
    await setTimeout(givenBackMs);
    stages.push({ files: to, work, peakMiB, settledMiB, collectedMiB: anonymousMiB(pid) });
    from = to;
  }
  return stages;
}

async function intakeRow(stages: readonly Stage[], fileBytes: number, bytesPerFile: number): Promise<Row> {
  const rounds: Round[] = [];
  for (const { work } of stages) {
    const bare = await bareSink(fileBytes);
    const generatorCores = Math.max(work.generatorCores, bare.generatorCores);
    rounds.push({ value: work.requests / work.seconds, limit: bare.rate, generatorCores });
  }
  const cpu = stages.map(
    ({ files, work }) =>
      `up to ${files.toLocaleString("en")} files ${((1e6 * work.serverCpuSeconds) / work.requests).toFixed(0)} us of server CPU a file`,
  );
  return {
    name: `PUT ${fileBytes} B, each a new file, up to ${(stages.at(-1)?.files ?? 0).toLocaleString("en")} files, S3, ${connections} connections`,
    unit: "files/s",
    durable: "the file, before the answer",
    limitName: "bare node:http sink",
    rounds,
    notes: [...cpu, `${Math.round(bytesPerFile)} bytes of disk a file`],
  };
}

async function bareSink(
  fileBytes: number,
): Promise<{ readonly rate: number; readonly generatorCores: number }> {
  const server = await startBareServer(0, "none");
  try {
    const files = {
      kind: "put",
      bucket,
      population: 10_000,
      from: 0,
      to: 10_000,
      bodyBytes: fileBytes,
    } as const;
    const phase = { ...files, accessKey, secretKey };
    const [result] = await runLoad({ ports: [server.port], connections, rounds: [phase] });
    if (result === undefined) throw new Error("no result");
    return { rate: result.requests / result.seconds, generatorCores: result.cpuSeconds / result.seconds };
  } finally {
    await server.stop();
  }
}

function memoryRows(stages: readonly Stage[], listedMiB: number): readonly Row[] {
  const [, before, last] = stages;
  if (before === undefined || last === undefined) throw new Error("three stages");
  const notes = stages.map(
    ({ files, settledMiB, peakMiB }) =>
      `${files.toLocaleString("en")} files: ${settledMiB.toFixed(0)} MiB at rest, at most ${peakMiB.toFixed(0)} while they came`,
  );
  const collected = stages.map(
    ({ files, collectedMiB }) => `${files.toLocaleString("en")} files: ${collectedMiB.toFixed(0)} MiB`,
  );
  const shared = {
    unit: "MiB",
    durable: "-",
    limitName: `with ${before.files.toLocaleString("en")} files`,
    target: { of: "ratio", bound: "at most", is: growthMax },
  } as const;
  return [
    {
      ...shared,
      name: `RssAnon with ${last.files.toLocaleString("en")} files, at rest after they came`,
      rounds: [{ value: last.settledMiB, limit: before.settledMiB, generatorCores: 0 }],
      notes: [...notes, `after listing all of them: ${listedMiB.toFixed(0)} MiB`],
    },
    {
      ...shared,
      name: `RssAnon with ${last.files.toLocaleString("en")} files, at rest, garbage collected`,
      rounds: [{ value: last.collectedMiB, limit: before.collectedMiB, generatorCores: 0 }],
      notes: collected,
    },
  ];
}

/** 1,000 a request. The limit is how fast the same files came in: a delete is an entry of the log, too. */
async function deletionRow(population: Population, files: number): Promise<Row> {
  const diskBefore = population.diskBytes();
  const { pid } = population.server;
  const deleting = population.run("delete", 0, files, deleteConnections);
  const { result: work, peakMiB } = await peakMemory(pid, deleting);
  const left = await population.run("list", 0, files, deleteConnections);
  const again = await population.fill(0, Math.min(files, 20_000), connections);
  const notes = [
    `${((1e6 * work.serverCpuSeconds) / files).toFixed(0)} us of server CPU a file`,
    `RssAnon at most ${peakMiB.toFixed(0)} MiB`,
    `an empty page took ${((1000 * left.seconds) / left.requests).toFixed(2)} ms`,
    `disk ${Math.round(diskBefore / 1e6)} MB before, ${Math.round(population.diskBytes() / 1e6)} MB after`,
  ];
  return {
    name: `delete ${files.toLocaleString("en")} files, DeleteObjects of 1,000, ${deleteConnections} connections`,
    unit: "files/s",
    durable: "each deletion, before the answer",
    limitName: "PUT of the same files afterwards",
    rounds: [
      {
        value: files / work.seconds,
        limit: again.requests / again.seconds,
        generatorCores: Math.max(work.generatorCores, again.generatorCores),
      },
    ],
    notes,
  };
}
