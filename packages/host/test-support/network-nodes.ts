/** Networks on loopback for tests, and credentials of a cluster made for them. */

import type { TestContext } from "node:test";
import type { NodeId } from "@holdfast/base";
import { nodeId } from "@holdfast/base";
import type { Clock } from "@holdfast/ports";
import { CollectingJournal } from "@holdfast/ports/simulated";
import { ClusterAuthority, createAuthority } from "../src/authority/cluster-authority.ts";
import type { NodeCredentials } from "../src/authority/node-credentials.ts";
import { requestCertificate } from "../src/authority/node-credentials.ts";
import { realClock } from "../src/clock.ts";
import { nodeHashing } from "../src/hashing.ts";
import type { HostNetwork, OpenNetworkOptions } from "../src/network/host-network.ts";
import { openNetwork } from "../src/network/host-network.ts";
import { secureRandom } from "../src/random.ts";

export const clusterId = "cluster-1";
export const [nodeA, nodeB]: readonly [NodeId, NodeId] = [
  nodeId("aaaaaaaaaaaaaaaa"),
  nodeId("bbbbbbbbbbbbbbbb"),
];

/** Its certificates count from what the clock says. */
export async function makeAuthority(
  cluster: string = clusterId,
  clock: Clock = realClock,
): Promise<ClusterAuthority> {
  const context = { clock, random: secureRandom };
  return ClusterAuthority.open(await createAuthority(cluster, context), context);
}

export async function credentialsFor(
  authority: ClusterAuthority,
  node: NodeId,
  validMs?: number,
): Promise<NodeCredentials> {
  const { request, key } = await requestCertificate(node);
  return { certificate: await authority.sign(request, node, validMs), key, authority: authority.certificate };
}

export interface OpenedNetwork {
  readonly network: HostNetwork;
  readonly journal: CollectingJournal;
}

/** Closed when the test is over. */
export async function openTestNetwork(
  t: TestContext,
  options: Partial<OpenNetworkOptions> & Pick<OpenNetworkOptions, "self" | "security">,
): Promise<OpenedNetwork> {
  const journal = new CollectingJournal();
  const network = await openNetwork({
    clusterId,
    host: "127.0.0.1",
    port: 0,
    clock: realClock,
    random: secureRandom,
    hashing: nodeHashing,
    journal,
    ...options,
  });
  t.after(() => network.close());
  return { network, journal };
}

/** Resolves as the promise does; rejects when that takes too long. */
export async function within<T>(timeMaxMs: number, what: string, promise: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`too late: ${what}`)), timeMaxMs);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
