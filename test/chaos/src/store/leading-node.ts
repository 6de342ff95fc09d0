/** Who leads, by the word of any node that answers. */

import type { StoreCluster } from "./store-cluster.ts";

const lookMsMax = 2000;

/** The node that leads the most shards. */
export async function leadingNode(cluster: StoreCluster): Promise<number | undefined> {
  for (const node of cluster.nodes) {
    const store = await cluster.connect(node, 0);
    try {
      const { shards, nodes } = await store.cluster({ signal: AbortSignal.timeout(lookMsMax) });
      const led = nodes.map(({ id }) => shards.filter(({ leader }) => leader === id).length);
      const most = nodes[led.indexOf(Math.max(...led))];
      return most === undefined ? undefined : await numberOf(cluster, most.id);
    } catch {
      // The next one may know.
    } finally {
      store.close();
    }
  }
  return undefined;
}

/** The node with this id, of those that answer. */
export async function numberOf(cluster: StoreCluster, id: string): Promise<number | undefined> {
  for (const node of cluster.nodes) {
    const store = await cluster.connect(node, 0);
    const status = await store.status({ signal: AbortSignal.timeout(lookMsMax) }).catch(() => undefined);
    store.close();
    if (status?.nodeId === id) return node;
  }
  return undefined;
}
