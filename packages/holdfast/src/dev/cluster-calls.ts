/** What `holdfast dev` asks of the nodes that it started, with the keys that they were started with. */

import { setTimeout as wait } from "node:timers/promises";
import type { Cluster, Store } from "@holdfast/client";
import { connect } from "@holdfast/client";
import { Failure } from "../command-line/failure.ts";
import { environmentConfig } from "../server/config.ts";
import { devCredentials } from "../server/credentials.ts";

const tokenLifetimeMs = 10 * 60_000;
const lookMs = 100;
const placedMsMax = 60_000;

/** A join token, from the node that serves the HTTP API there. */
export function issueToken(http: string): Promise<string> {
  return withStore(
    http,
    async (store) => (await store.issueJoinToken({ lifetimeMs: tokenLifetimeMs })).token,
  );
}

/** Resolves when so many nodes share the groups and the data: until then a new bucket would not get its replicas. */
export function untilPlaced(http: string, nodes: number): Promise<void> {
  return withStore(http, async (store) => {
    const endsAtMs = performance.now() + placedMsMax;
    while (!isPlaced(await store.cluster(), nodes)) {
      if (performance.now() > endsAtMs)
        throw new Failure(`the ${nodes} nodes did not come together in time`, {
          code: "StartTimeout",
          next: "look at the lines above, and at: holdfast cluster status",
        });
      await wait(lookMs);
    }
  });
}

function isPlaced({ nodes, system, shards, partitions }: Cluster, count: number): boolean {
  const voters = count >= 5 ? 5 : count >= 3 ? 3 : 1;
  return (
    nodes.length === count &&
    partitions.change === undefined &&
    nodes.every(({ isMember }) => isMember) &&
    [system, ...shards].every((group) => group.leader !== undefined && group.voters.length >= voters)
  );
}

async function withStore<T>(endpoint: string, ask: (store: Store) => Promise<T>): Promise<T> {
  const { accessKey, secretKey } = environmentConfig(process.env);
  const own = accessKey === undefined || secretKey === undefined ? devCredentials : { accessKey, secretKey };
  const store = await connect({ endpoint, ...own });
  try {
    return await ask(store);
  } finally {
    store.close();
  }
}
