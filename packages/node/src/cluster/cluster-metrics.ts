import type { Metrics } from "@holdfast/ports";
import { allMetrics } from "@holdfast/ports";
import { jointPartitions } from "@holdfast/ring";
import type { NodeCluster } from "./node-cluster.ts";

/** What of the cluster's state is worth an alarm. Read when it is scraped, and cheap: nobody is asked. */
export function watchCluster(metrics: Metrics, cluster: NodeCluster): void {
  metrics.watch(allMetrics.clusterNodes, {}, () => cluster.map.nodes.size);
  metrics.watch(allMetrics.clusterNodesUp, {}, () => nodesUp(cluster));
  metrics.watch(allMetrics.clusterLeaderlessGroups, {}, () => leaderlessGroups(cluster));
  metrics.watch(allMetrics.clusterJointPartitions, {}, () => movingPartitions(cluster));
  metrics.watch(allMetrics.clusterLayoutEpoch, {}, () => cluster.map.layout?.epoch ?? 0);
}

function nodesUp(cluster: NodeCluster): number {
  return Array.from(cluster.map.nodes.keys()).filter((node) => cluster.isLive(node)).length;
}

function leaderlessGroups({ system, shards }: NodeCluster): number {
  return [system, ...shards].filter(
    ({ log: { replica } }) => replica !== undefined && replica.leader === undefined,
  ).length;
}

function movingPartitions({ map: { layout } }: NodeCluster): number {
  return (layout?.tables ?? []).reduce((count, table) => count + jointPartitions(table).length, 0);
}
