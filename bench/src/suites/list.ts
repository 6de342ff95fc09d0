/**
 * Listing all files over S3, 1,000 a page: against a bare node:http server that sends as many bytes, and against the same
 * listing of a store with few files. Pages are asked for by `start-after`, so that they can be signed beforehand.
 */

import { keysPerPage, pageStarts } from "../load/file-names.ts";
import { runLoad } from "../load/run-load.ts";
import type { Round, Row } from "../report.ts";
import { startBareServer } from "../servers/child-server.ts";
import { accessKey, bucket, secretKey } from "../servers/server-process.ts";
import type { Work } from "./population.ts";
import { Population } from "./population.ts";
import type { SuiteOptions } from "./suite.ts";

export const fewFiles = 10_000;
const roundCount = 3;
const connections = 4;
const fillConnections = 64;
const keysPerSecondMin = 200_000;
const slowdownMax = 1.2;

export async function listSuite({ files, fileBytes }: SuiteOptions): Promise<readonly Row[]> {
  const many = await Population.open(files, fileBytes);
  try {
    await many.fill(0, files, fillConnections);
    return await listRows(many, files, fileBytes);
  } finally {
    await many.close();
  }
}

/** `many` holds so many files. */
export async function listRows(many: Population, files: number, fileBytes: number): Promise<readonly Row[]> {
  const few = await Population.open(fewFiles, fileBytes);
  try {
    await few.fill(0, fewFiles, fillConnections);
    for (const [population, count] of [
      [few, fewFiles],
      [many, fewFiles],
    ] as const)
      await population.run("list", 0, count, connections);
    const rounds: Measured[] = [];
    for (let i = 0; i < roundCount; i++) rounds.push(await measure(many, files, few));
    return [rateRow(rounds, files), growthRow(rounds, files, wallClock), growthRow(rounds, files, serverCpu)];
  } finally {
    await few.close();
  }
}

interface Measured {
  readonly many: Work;
  readonly few: Work;
  readonly bare: { readonly seconds: number; readonly generatorCores: number };
}

async function measure(many: Population, files: number, few: Population): Promise<Measured> {
  const large = await many.run("list", 0, files, connections);
  checkPages(large, files);
  // A page takes milliseconds: the few pages of the small store are walked as often as it takes to be measurable.
  const small: Work[] = [];
  for (let i = 0; i < 10; i++) small.push(await few.run("list", 0, fewFiles, connections));
  return { many: large, few: together(small), bare: await bareSource(large, files) };
}

function checkPages(work: Work, files: number): void {
  if (work.requests !== pageStarts(files, files).length) throw new Error(`${work.requests} pages`);
}

function together(works: readonly Work[]): Work {
  const sumOf = (pick: (work: Work) => number): number => works.reduce((sum, work) => sum + pick(work), 0);
  return {
    requests: sumOf((work) => work.requests),
    bytesReceived: sumOf((work) => work.bytesReceived),
    seconds: sumOf((work) => work.seconds),
    serverCpuSeconds: sumOf((work) => work.serverCpuSeconds),
    generatorCores: Math.max(...works.map((work) => work.generatorCores)),
  };
}

/** The same requests to a server that answers each with a page's bytes. */
async function bareSource(
  { requests, bytesReceived }: Work,
  files: number,
): Promise<{ seconds: number; generatorCores: number }> {
  const server = await startBareServer(Math.round(bytesReceived / requests), "none");
  try {
    const phase = { kind: "list", bucket, population: files, from: 0, to: files, bodyBytes: 0 } as const;
    const keys = { accessKey, secretKey };
    const [result] = await runLoad({ ports: [server.port], connections, rounds: [{ ...phase, ...keys }] });
    if (result === undefined) throw new Error("no result");
    return { seconds: result.seconds, generatorCores: result.cpuSeconds / result.seconds };
  } finally {
    await server.stop();
  }
}

function rateRow(measured: readonly Measured[], files: number): Row {
  const rounds: readonly Round[] = measured.map(({ many, bare }) => ({
    value: files / many.seconds,
    limit: files / bare.seconds,
    generatorCores: Math.max(many.generatorCores, bare.generatorCores),
  }));
  return {
    name: `list ${files.toLocaleString("en")} files, ${keysPerPage.toLocaleString("en")} a page, S3 ListObjectsV2, ${connections} connections`,
    unit: "keys/s",
    durable: "-",
    limitName: "bare node:http source of the same bytes",
    rounds,
    target: { of: "value", bound: "at least", is: keysPerSecondMin },
    notes: measured.map(
      ({ many }) => `${((1e6 * many.serverCpuSeconds) / files).toFixed(2)} us of server CPU a key`,
    ),
  };
}

interface Measure {
  readonly name: string;
  readonly msPerPage: (work: Work) => number;
}

const wallClock: Measure = {
  name: "time per page",
  msPerPage: ({ seconds, requests }) => (1000 * seconds) / requests,
};

/** What a machine with other work to do leaves comparable. */
const serverCpu: Measure = {
  name: "server CPU per page",
  msPerPage: ({ serverCpuSeconds, requests }) => (1000 * serverCpuSeconds) / requests,
};

function growthRow(measured: readonly Measured[], files: number, { name, msPerPage }: Measure): Row {
  const rounds: readonly Round[] = measured.map(({ many, few }) => ({
    value: msPerPage(many),
    limit: msPerPage(few),
    generatorCores: Math.max(many.generatorCores, few.generatorCores),
  }));
  return {
    name: `${name} with ${files.toLocaleString("en")} files`,
    unit: "ms",
    durable: "-",
    limitName: `the same with ${fewFiles.toLocaleString("en")} files`,
    rounds,
    target: { of: "ratio", bound: "at most", is: slowdownMax },
  };
}
