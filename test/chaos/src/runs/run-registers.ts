/** One run: a cluster, clients, a nemesis, and the judgement of their history. */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { seededRandom, uniform } from "@holdfast/base";
import type { HistoryVerdict, Operation } from "@holdfast/linearizability";
import { checkHistory, formatHistory } from "@holdfast/linearizability";
import type { FaultName } from "../nemesis/nemesis.ts";
import { Nemesis } from "../nemesis/nemesis.ts";
import { RegisterCluster } from "../nemesis/register-cluster.ts";
import type { ClientWorld } from "./register-client.ts";
import { RegisterClient } from "./register-client.ts";

export interface RunOptions {
  /** Of what the nemesis and the clients draw; real processes make each run another one all the same. */
  readonly seed: number;
  readonly size: number;
  readonly consensus: "raft" | "multipaxos";
  readonly seconds: number;
}

export interface RunResult {
  readonly operations: number;
  readonly answers: number;
  readonly unknown: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly verdict: HistoryVerdict;
  /** Something else that must not be: nobody was served after all was well again. */
  readonly problem: string | undefined;
  /** Where the history and the data lie if there is a problem. */
  readonly kept: string | undefined;
}

const clientsCount = 8;
const keysCount = 4;
/** Fresh registers now and then: what is unknown for ever makes a long history of one register hard to judge. */
const keysLastMs = 3000;
/** Without faults, in which everybody has to be answered again. */
const calmMs = 10_000;

export async function runRegisters(options: RunOptions): Promise<RunResult> {
  const cluster = await RegisterCluster.open(options);
  let isClean = false;
  try {
    const result = await runOn(cluster, options);
    isClean = result.kept === undefined;
    return result;
  } finally {
    await cluster.close(!isClean);
  }
}

async function runOn(cluster: RegisterCluster, { seed, seconds }: RunOptions): Promise<RunResult> {
  const random = seededRandom(seed);
  const draw = (count: number): number => uniform(random, count);
  const history: Operation[] = [];
  const nowMs = (): number => performance.now();
  const world: ClientWorld = {
    ports: cluster.ports,
    nowMs,
    draw,
    key: () => `${Math.floor(nowMs() / keysLastMs)}-${draw(keysCount)}`,
    record: (operation) => history.push(operation),
  };
  const clients = Array.from({ length: clientsCount }, (_, i) => new RegisterClient(`c${i}`, world));
  const nemesis = new Nemesis(cluster, draw);
  const endsAt = nowMs() + 1000 * seconds;
  let isOver = false;
  const work = clients.map(async (client) => {
    while (!isOver) await client.operate();
  });
  while (nowMs() < endsAt) {
    await nemesis.strike((ms) => delay(Math.min(ms, Math.max(0, endsAt - nowMs()))));
    await delay(draw(500));
  }
  const problem = (await areAllAnswered(clients)) ? undefined : `no answer in ${calmMs} ms without faults`;
  isOver = true;
  await Promise.all(work);
  for (const client of clients) client.close();
  const verdict = checkHistory(history);
  const isClean = verdict.problems.length === 0 && problem === undefined;
  if (!isClean) await writeFile(join(cluster.folder, "history.jsonl"), formatHistory(history));
  return {
    operations: history.length,
    answers: clients.reduce((sum, { answersCount }) => sum + answersCount, 0),
    unknown: history.filter(({ returned }) => returned === Number.POSITIVE_INFINITY).length,
    faults: Object.fromEntries<number>(nemesis.counts satisfies ReadonlyMap<FaultName, number>),
    verdict,
    problem,
    kept: isClean ? undefined : cluster.folder,
  };
}

/** Once nothing goes wrong any more, every client is answered, or the service did not come back. */
async function areAllAnswered(clients: readonly RegisterClient[]): Promise<boolean> {
  const before = clients.map(({ answersCount }) => answersCount);
  const endsAt = performance.now() + calmMs;
  while (clients.some(({ answersCount }, i) => answersCount <= (before[i] ?? 0))) {
    if (performance.now() > endsAt) return false;
    await delay(20);
  }
  return true;
}
