import type { TestContext } from "node:test";
import { before, suite } from "node:test";
import type { NodeId } from "@holdfast/base";
import type { NetworksUnderTest, NodeUnderTest } from "@holdfast/ports/contract";
import { networkContract } from "@holdfast/ports/contract";
import {
  credentialsFor,
  makeAuthority,
  nodeA,
  nodeB,
  openTestNetwork,
  within,
} from "../../test-support/network-nodes.ts";
import { TcpProxy } from "../../test-support/tcp-proxy.ts";
import type { NodeCredentials } from "../authority/node-credentials.ts";

const queueBytesMax = 1024 * 1024;
/** The silence of a clogged connection is no matter here. */
const limits = { queueBytesMax, aliveIntervalMs: 60_000 };

type SecurityOf = (node: NodeId) => NodeCredentials | "none";

/** The two reach each other through proxies, which can clog. */
async function makeNetworks(t: TestContext, securityOf: SecurityOf): Promise<NetworksUnderTest> {
  const proxies: TcpProxy[] = [];
  const node = async (self: NodeId): Promise<NodeUnderTest> => {
    const open = async () => (await openTestNetwork(t, { self, security: securityOf(self), limits })).network;
    const network = await open();
    let { address } = network;
    const proxy = await TcpProxy.listen(() => Number(address.split(":")[1]));
    t.after(() => proxy.close());
    proxies.push(proxy);
    const reopen = async () => {
      const again = await open();
      address = again.address;
      return again;
    };
    return { peer: { id: self, address: proxy.address }, network, reopen };
  };
  const [a, b] = [await node(nodeA), await node(nodeB)];
  return {
    a,
    b,
    queueBytesMax,
    clog: () => {
      for (const proxy of proxies) proxy.clog();
    },
    unclog: () => {
      for (const proxy of proxies) proxy.relay();
    },
    turn: () => new Promise((resolve) => setImmediate(resolve)),
    run: (body) => within(30_000, "the test", body()),
  };
}

networkContract("plain network", (t) => makeNetworks(t, () => "none"));

suite("network over TLS", () => {
  const credentials = new Map<NodeId, NodeCredentials>();
  before(async () => {
    const authority = await makeAuthority();
    for (const node of [nodeA, nodeB]) credentials.set(node, await credentialsFor(authority, node));
  });
  networkContract("network over TLS", (t) => makeNetworks(t, (node) => credentials.get(node) ?? "none"));
});
