/**
 * Replication between real processes: the register service of test/chaos, three nodes on the group host, the real log and the
 * real network over mutual TLS. Beside it the bare log loop in three processes at once, and a cluster of etcd.
 */

import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { present } from "@holdfast/base";
import { freePorts, RegisterCluster, RegisterConnection } from "@holdfast/test-chaos";
import type { Round, Row } from "../report.ts";
import { median } from "../report.ts";
import type { BareLogOptions } from "../servers/bare-log.ts";
import type { EtcdClient } from "../servers/etcd.ts";
import { EtcdCluster, etcdClients, etcdVersion } from "../servers/etcd.ts";

const size = 3;
const payloadBytes = 256;
const inflight = 64;
const commits = 120_000;
const puts = 40_000;
const etcdPuts = 8000;
const warmUp = 20_000;
const roundCount = 3;
const askDeadlineMs = 120_000;
const protocols = ["raft", "multipaxos"] as const;

export async function registersSuite(): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const consensus of protocols) rows.push(await commitsRow(consensus));
  const version = etcdVersion();
  for (const consensus of version === undefined ? [] : protocols)
    rows.push(await putsRow(consensus, present(version, "version")));
  return rows;
}

type Consensus = (typeof protocols)[number];

async function commitsRow(consensus: Consensus): Promise<Row> {
  const rounds: Round[] = [];
  const openRates: number[] = [];
  for (let i = 0; i < roundCount; i++) {
    const value = await commitRate(consensus, true);
    openRates.push(await commitRate(consensus, false));
    rounds.push({ value, limit: await bareLogs(), generatorCores: 0 });
  }
  return {
    name: `${consensus} commits, ${size} processes on loopback, ${payloadBytes} B, ${inflight} in flight`,
    unit: "commits/s",
    durable: "each commit, on a quorum",
    limitName: `bare log loop, mean of ${size} processes at once`,
    rounds,
    target: { of: "ratio", bound: "at least", is: 0.3 },
    notes: [`without TLS between the nodes: ${Math.round(median(openRates))} commits/s`],
  };
}

async function commitRate(consensus: Consensus, secure: boolean): Promise<number> {
  const cluster = await RegisterCluster.open({ size, consensus, proxies: false, secure });
  try {
    const { connection } = await leaderOf(cluster);
    await commitFlood(connection, warmUp);
    const rate = await commitFlood(connection, commits);
    connection.close();
    return rate;
  } finally {
    await cluster.close(false);
  }
}

/** Commands that the leader proposes by itself; so many a second. */
export async function commitFlood(leader: RegisterConnection, count: number): Promise<number> {
  const answer = await leader.ask({ kind: "Flood", count, inflight, bytes: payloadBytes }, askDeadlineMs);
  if (answer.kind !== "Flooded") throw new Error(`a flood ended as ${answer.kind}`);
  return count / (answer.micros / 1e6);
}

async function bareLogs(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-bench-bare-"));
  const program = new URL("../servers/bare-log.ts", import.meta.url);
  const children = Array.from({ length: size }, () => fork(program, [], { execArgv: process.execArgv }));
  try {
    for (const [i, child] of children.entries()) {
      const options: BareLogOptions = {
        path: join(folder, String(i)),
        payloadBytes,
        writers: inflight,
        appends: commits,
      };
      child.send(options);
      await once(child, "message");
    }
    const rates = await Promise.all(
      children.map(async (child) => {
        const done = once(child, "message");
        child.send("go");
        return Number((await done)[0]);
      }),
    );
    return rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
  } finally {
    for (const child of children) child.kill("SIGKILL");
    await rm(folder, { recursive: true, force: true });
  }
}

async function putsRow(consensus: Consensus, version: string): Promise<Row> {
  const cluster = await RegisterCluster.open({ size, consensus, proxies: false });
  const etcd = await EtcdCluster.start(await freePorts(2 * size), inflight);
  const rounds: Round[] = [];
  const seen: Record<EtcdClient, number[]> = { "JSON gateway": [], "npm etcd3 1.1.2": [] };
  const value = "x".repeat(payloadBytes);
  try {
    const { connection: leader } = await leaderOf(cluster);
    const put = async (i: number): Promise<boolean> => {
      const body = { kind: "Write", key: `k${i % 1000}`, value, expected: undefined } as const;
      return (await leader.ask(body, askDeadlineMs)).kind === "Written";
    };
    const putEtcd =
      (client: EtcdClient) =>
      (i: number): Promise<boolean> =>
        etcd.put(client, `k${i % 1000}`, value);
    await timed(warmUp, put);
    for (const client of etcdClients) await timed(warmUp / 4, putEtcd(client));
    for (let i = 0; i < roundCount; i++) {
      const ours = await timed(puts, put);
      const etcdRates: number[] = [];
      for (const client of etcdClients) etcdRates.push(await timed(etcdPuts, putEtcd(client)));
      for (const [k, client] of etcdClients.entries()) seen[client].push(etcdRates[k] ?? 0);
      rounds.push({ value: ours, limit: Math.max(...etcdRates), generatorCores: 0 });
    }
    leader.close();
  } finally {
    await cluster.close(false);
    await etcd.stop();
  }
  return {
    name: `register service on ${consensus}, ${size} processes, ${payloadBytes} B puts, ${inflight} in flight over one connection`,
    unit: "puts/s",
    durable: "each put, on a quorum",
    limitName: `etcd ${version}, ${size} members, the faster of its clients`,
    rounds,
    target: { of: "ratio", bound: "at least", is: 6 },
    notes: etcdClients.map((client) => `etcd by its ${client}: ${Math.round(median(seen[client]))} puts/s`),
  };
}

/** Operations a second. All clients run in this process: what they need of a core is part of the service as its users know it. */
export async function timed(count: number, operation: (i: number) => Promise<boolean>): Promise<number> {
  const startedAt = performance.now();
  let next = 0;
  await Promise.all(
    Array.from({ length: inflight }, async () => {
      for (let i = next++; i < count; i = next++)
        if (!(await operation(i))) throw new Error("an operation was refused");
    }),
  );
  return count / ((performance.now() - startedAt) / 1000);
}

/** The node that leads, and a connection to it. */
export async function leaderOf(
  cluster: RegisterCluster,
): Promise<{ readonly node: number; readonly connection: RegisterConnection }> {
  for (;;) {
    const node = await cluster.leader();
    if (node === undefined) continue;
    const connection = await RegisterConnection.open(cluster.ports[node] ?? 0);
    const write = { kind: "Write", key: "a", value: "b", expected: undefined } as const;
    if (connection !== undefined && (await connection.ask(write, 1000)).kind === "Written")
      return { node, connection };
    connection?.close();
  }
}
