/** `holdfast cluster status`: nodes, shards and layout as the node that answers sees them, and what is wrong with them. */

import type { Cluster, ClusterNode } from "@holdfast/client";
import { countText, printable, table } from "../command-line/format.ts";
import type { Session } from "../command-line/session.ts";
import { clusterFindings, isLeaderless, numbersText } from "../doctor/cluster-checks.ts";
import type { Finding } from "../doctor/finding.ts";

export async function clusterStatus({ output, signal, ...session }: Session): Promise<void> {
  const cluster = await (await session.store()).cluster({ signal });
  const findings = clusterFindings(cluster).filter(({ severity }) => severity !== "ok");
  await output.result(
    { ...cluster, healthy: findings.length === 0, findings },
    statusText(cluster, findings).map(printable).join("\n"),
  );
}

/** Its lines. */
export function statusText(cluster: Cluster, findings: readonly Finding[]): readonly string[] {
  const { clusterId, nodeId, consensus, epoch } = cluster;
  return [
    `cluster ${clusterId}  -  ${consensus}  -  layout ${epoch}  -  seen from node ${nodeId}`,
    "",
    ...table([headings, ...cluster.nodes.map((node) => nodeRow(cluster, node))]),
    "",
    ...table([
      ["system group", systemText(cluster)],
      ["shards", shardsText(cluster)],
      ["partitions", partitionsText(cluster)],
      ["repair", repairText(cluster)],
    ]),
    "",
    ...findings.flatMap(findingLines),
    verdict(findings),
  ];
}

const headings = ["node", "zone", "weight", "state", "slots", "shards", "leads", "http", "s3", "rpc"];

function nodeRow(
  { shards }: Cluster,
  { id, zone, weight, state, draining, slots, shardReplicas, addresses }: ClusterNode,
): readonly string[] {
  const leads = shards.filter(({ leader }) => leader === id).length;
  const states = draining ? `${state}, draining` : state;
  const { http, s3, rpc } = addresses;
  return [id, zone, `${weight}`, states, `${slots}`, `${shardReplicas}`, `${leads}`, http, s3, rpc];
}

function systemText({ system }: Cluster): string {
  const { leader, voters, learners } = system;
  const members = `${countText(voters.length, "voter")}, ${countText(learners.length, "learner")}`;
  return `${leader === undefined ? "NO LEADER" : `led by ${leader}`}, ${members}`;
}

function shardsText({ shards }: Cluster): string {
  const led = shards.filter(({ leader }) => leader !== undefined).length;
  const leaderless = shards.filter(isLeaderless);
  const unseen = shards.length - led - leaderless.length;
  return [
    `${led} of ${shards.length} have a leader`,
    ...(leaderless.length === 0 ? [] : [`NO LEADER: ${numbersText(leaderless.map(({ shard }) => shard))}`]),
    ...(unseen === 0 ? [] : [`${unseen} not seen from this node`]),
  ].join(", ");
}

function partitionsText({ partitions: { stable, joint, change } }: Cluster): string {
  if (change === undefined) return `${stable} stable`;
  return `${stable} stable, ${joint} moving since epoch ${change}`;
}

function repairText({ repairQueue, partitions: { incomplete } }: Cluster): string {
  if (repairQueue === 0) return "nothing to do";
  return `${countText(repairQueue, "block")} in ${countText(incomplete, "partition")}`;
}

function findingLines({ severity, what, next = "" }: Finding): readonly string[] {
  return [`${severity === "error" ? "ERROR" : "WARNING"} ${what}`, `  next: ${next}`];
}

function verdict(findings: readonly Finding[]): string {
  const errors = findings.filter(({ severity }) => severity === "error").length;
  if (errors > 0) return `not well: ${countText(errors, "error")}; some requests are not served`;
  if (findings.length === 0) return "all is well";
  return `served, but not all is well: ${countText(findings.length, "warning")}`;
}
