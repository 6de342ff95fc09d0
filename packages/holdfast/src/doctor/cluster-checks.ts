/**
 * What is wrong with a cluster, as one of its nodes sees it: what it is, why it matters, what happens next. Pure: the same view
 * gives the same findings.
 */

import type { Cluster, ClusterGroup, ClusterNode } from "@holdfast/client";
import { countText } from "../command-line/format.ts";
import type { Finding } from "./finding.ts";
import { ok, problem, warning } from "./finding.ts";

export function clusterFindings(cluster: Cluster): readonly Finding[] {
  return [
    ...nodeFindings(cluster),
    systemFinding(cluster),
    shardsFinding(cluster),
    layoutFinding(cluster),
    repairFinding(cluster),
    ...drainFindings(cluster),
    redundancyFinding(cluster),
  ];
}

function nodeFindings({ nodes }: Cluster): readonly Finding[] {
  const down = nodes.filter(({ state }) => state === "down");
  if (down.length === 0) return [ok("nodes", `${countText(nodes.length, "node")}, all up`)];
  return down.map((node) =>
    warning("nodes", `${nameOf(node)} is down: the node asked has not heard of it lately`, {
      why: "blocks have a copy less, and those that are on it alone (replicas:1) cannot be read; nothing is rebuilt elsewhere by itself",
      next: node.draining
        ? `it is draining: what it holds comes to other nodes from the copies that are left; then \`holdfast cluster remove ${node.id}\``
        : `start it on its data directory, and it catches up by itself; if it is lost for good, let another one join where too few would stay, and \`holdfast cluster drain ${node.id}\``,
    }),
  );
}

function systemFinding({ system, nodes }: Cluster): Finding {
  if (system.leader !== undefined)
    return ok("system-group", `led by ${system.leader}, ${countText(system.voters.length, "voter")}`);
  if (system.applied === undefined) return ok("system-group", "not on the node asked");
  return problem("system-group", "the group that knows nodes and buckets has no leader", {
    why: "every request begins with its bucket, so none is served until it has one",
    next: whoIsMissing([system], nodes),
  });
}

function shardsFinding({ shards, nodes }: Cluster): Finding {
  const led = shards.filter(({ leader }) => leader !== undefined);
  const leaderless = shards.filter(isLeaderless);
  const unseen = shards.length - led.length - leaderless.length;
  const rest =
    unseen === 0 ? "" : `; ${unseen} have no replica on the node asked, which does not know who leads them`;
  if (leaderless.length === 0) return ok("shards", `${led.length} of ${shards.length} have a leader${rest}`);
  const numbers = numbersText(leaderless.map(({ shard }) => shard));
  const what = `no leader: ${leaderless.length === 1 ? "shard" : "shards"} ${numbers} of ${shards.length}${rest}`;
  return problem("shards", what, {
    why: "files in these shards can be neither read nor written",
    next: whoIsMissing(leaderless, nodes),
  });
}

/** Of a replica on the node that was asked: without one it cannot know. */
export function isLeaderless({ leader, applied }: ClusterGroup): boolean {
  return leader === undefined && applied !== undefined;
}

/** A majority of the voters elects a leader; whoever of them is down may be what is missing. */
function whoIsMissing(groups: readonly ClusterGroup[], nodes: readonly ClusterNode[]): string {
  const isDown = (id: string): boolean => nodes.find((node) => node.id === id)?.state !== "up";
  const stuck = groups.filter(({ voters }) => 2 * voters.filter((id) => !isDown(id)).length <= voters.length);
  if (stuck.length === 0)
    return "enough voters are up: an election takes a few seconds; should it stay so, look at their journals (standard error)";
  const missing = [...new Set(stuck.flatMap(({ voters }) => voters.filter(isDown)))];
  const names = missing
    .map((id) => nodes.find((node) => node.id === id))
    .map((node, i) => (node === undefined ? missing[i] : nameOf(node)));
  return `a majority of the voters has to be up and connected: start ${names.join(", ")}; if they run, the node asked may be cut off: ask another one`;
}

function layoutFinding(cluster: Cluster): Finding {
  const { partitions, nodes, epoch, shards } = cluster;
  const { stable, joint, change } = partitions;
  if (change === undefined)
    return ok("layout", `epoch ${epoch}, ${countText(stable, "partition")}, all stable`);
  const what = `${joint} of ${countText(stable + joint, "partition")} are moving since epoch ${change}, ${waitsFor(cluster)}`;
  const owing = nodes.filter(({ owedPartitions }) => owedPartitions > 0);
  const absent = owing.filter(({ state }) => state === "down");
  const unled = partitions.unclosedShards.filter((shard) =>
    shards.some((each) => each.shard === shard && isLeaderless(each)),
  );
  if (absent.length === 0 && unled.length === 0) return ok("layout", what);
  const names = absent.map(nameOf).join(", ");
  return warning("layout", what, {
    why: "files are served as before, but no other change of the layout begins until this one has ended",
    next:
      absent.length === 0
        ? "it goes on when these shards have leaders"
        : `start ${names}; if lost for good, \`holdfast cluster drain\` it and then \`holdfast cluster layout revert\``,
  });
}

/** The shards have to close older epochs first; then each new owner fills its slots. */
function waitsFor({ partitions: { unclosedShards }, nodes }: Cluster): string {
  if (unclosedShards.length > 0)
    return `waiting for ${unclosedShards.length === 1 ? "shard" : "shards"} ${numbersText(unclosedShards)} to close earlier epochs`;
  const owing = nodes.filter(({ owedPartitions }) => owedPartitions > 0);
  if (owing.length === 0) return "just ending";
  const names = owing.map(
    ({ id, state, owedPartitions }) => `${id}${state === "down" ? ", down," : ""} (${owedPartitions})`,
  );
  return `waiting for ${names.join(", ")}`;
}

function repairFinding({ repairQueue, partitions }: Cluster): Finding {
  if (repairQueue === 0) return ok("repair", "the node asked knows of no block that lacks a copy");
  const what = `${countText(repairQueue, "block")} in ${countText(partitions.incomplete, "partition")} ${repairQueue === 1 ? "lacks" : "lack"} a copy`;
  return warning("repair", what, {
    why: "another failure may take the copies that are left",
    next: "the copies are made as soon as the nodes that should have them are up; look again",
  });
}

/** Nothing names it any more but its own record, and the system group from which it learns. */
export function mayBeRemoved({ draining, isMember, shardReplicas }: ClusterNode): boolean {
  return draining && !isMember && shardReplicas === 0;
}

function drainFindings({ nodes }: Cluster): readonly Finding[] {
  return nodes
    .filter(({ draining }) => draining)
    .map((node) => {
      if (mayBeRemoved(node))
        return warning("draining", `node ${node.id} is drained: it holds nothing any more`, {
          why: "until it is removed it is waited for as a member",
          next: `\`holdfast cluster remove ${node.id}\`, then stop its process`,
        });
      const { id, slots, shardReplicas } = node;
      return ok(
        "draining",
        `node ${id} gives away what it holds: ${countText(slots, "slot")} and ${countText(shardReplicas, "shard replica")} left`,
      );
    });
}

function redundancyFinding({ nodes }: Cluster): Finding {
  const staying = nodes.filter(({ draining }) => !draining).length;
  if (staying >= 3)
    return ok(
      "redundancy",
      `${staying} nodes: a copy of each block on three of them, if its bucket asks for it`,
    );
  if (staying <= 1)
    return ok("redundancy", "one node: what is stored is on its disk alone; replicas:3 needs three nodes");
  return warning("redundancy", `${staying} nodes that are not draining`, {
    why: "replicas:3 needs three, and with two each group has a single voter: a node that is down takes its groups with it",
    next: "let a third node join: `holdfast cluster token`",
  });
}

export function nameOf({ id, zone, addresses }: ClusterNode): string {
  return `node ${id} (zone ${zone}, http ${addresses.http})`;
}

const namedMax = 8;

export function numbersText(numbers: readonly number[]): string {
  const more = numbers.length > namedMax ? ` and ${numbers.length - namedMax} more` : "";
  return `${numbers.slice(0, namedMax).join(", ")}${more}`;
}
