/** The cluster as scripts see it: all of it, and the node that answers. */

import type { GroupStanding } from "@holdfast/node";
import type { HttpResponse } from "@holdfast/ports";
import type { JsonObject } from "./json.ts";
import { jsonAnswer } from "./json.ts";
import type { ApiCall, Operation } from "./operation.ts";

async function clusterStatus({ context }: ApiCall): Promise<HttpResponse> {
  return jsonAnswer(200, { ...(await context.status()), server: context.server });
}

/** As far as the node that answers knows it: also while no group answers. */
async function showCluster({ context }: ApiCall): Promise<HttpResponse> {
  const { clusterId, nodeId, cluster } = await context.status();
  const { consensus, epoch, nodes, system, shards, partitions, incompleteBlocks } = cluster;
  return jsonAnswer(200, {
    clusterId,
    nodeId,
    consensus,
    epoch,
    nodes,
    system: groupDocument(system),
    shards: shards.map((standing, shard) => ({ shard, ...groupDocument(standing) })),
    partitions,
    repairQueue: incompleteBlocks,
  });
}

function groupDocument({ leader, voters, learners, appliedIndex }: GroupStanding): JsonObject {
  return { leader, voters, learners, applied: appliedIndex };
}

export const clusterOperations: readonly Operation[] = [
  {
    method: "GET",
    path: "/cluster",
    operationId: "showCluster",
    run: showCluster,
    document: {
      summary: "Nodes, groups and layout as this node knows them",
      answer: { status: 200, description: "The cluster", kind: "json", schema: "Cluster" },
    },
  },
  {
    method: "GET",
    path: "/cluster/status",
    operationId: "clusterStatus",
    run: clusterStatus,
    document: {
      summary: "The state of this node, and of the cluster as it knows it",
      answer: { status: 200, description: "The status", kind: "json", schema: "ClusterStatus" },
    },
  },
];
