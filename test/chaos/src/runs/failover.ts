/** How long nobody is served when the leader dies: `kill -9`, again and again, and a client that keeps on asking. */

import { setTimeout as delay } from "node:timers/promises";
import { RegisterCluster } from "../nemesis/register-cluster.ts";
import { RegisterConnection } from "../wire/register-connection.ts";

export interface FailoverOptions {
  readonly size: number;
  readonly consensus: "raft" | "multipaxos";
  readonly rounds: number;
}

/** Milliseconds from the kill to the first write that is answered, round by round. */
export async function failover({ size, consensus, rounds }: FailoverOptions): Promise<readonly number[]> {
  const cluster = await RegisterCluster.open({ size, consensus });
  const times: number[] = [];
  try {
    for (let round = 0; round < rounds; round++) {
      const leader = await servingNode(cluster, undefined);
      const killedAt = performance.now();
      await cluster.kill(leader);
      await servingNode(cluster, leader);
      times.push(performance.now() - killedAt);
      await cluster.start(leader);
      // The one that came back gets what it missed.
      await delay(1000);
    }
    return times;
  } finally {
    await cluster.close(false);
  }
}

const askDeadlineMs = 500;
const serviceDeadlineMs = 30_000;

/** The node that has answered a write. */
async function servingNode(cluster: RegisterCluster, dead: number | undefined): Promise<number> {
  const endsAt = performance.now() + serviceDeadlineMs;
  const nodes = [...cluster.ports.keys()].filter((node) => node !== dead);
  return Promise.any(nodes.map((node) => writeUntilServed(cluster.ports[node] ?? 0, node, endsAt)));
}

async function writeUntilServed(port: number, node: number, endsAt: number): Promise<number> {
  const connection = await RegisterConnection.open(port);
  try {
    while (performance.now() < endsAt) {
      const body = { kind: "Write", key: "failover", value: "x", expected: undefined } as const;
      const answer = await connection?.ask(body, askDeadlineMs);
      if (answer?.kind === "Written") return node;
      await delay(2);
    }
    throw new Error(`node ${node} does not serve in ${serviceDeadlineMs} ms`);
  } finally {
    connection?.close();
  }
}
