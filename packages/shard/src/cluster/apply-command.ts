/** What an entry of the system group's log does to the records of nodes, tokens, layout and groups. */

import type { EntryScope, Refusal } from "@holdfast/namespace";
import type { ClusterCommand, SystemResult } from "../system-command.ts";
import { closeShards } from "./closed-epochs.ts";
import { completeSlots, revertLayout } from "./completed-slots.ts";
import { setLayout } from "./layouts.ts";
import type { NodeRecord } from "./node-record.ts";
import { announceNode, changeNode, foundCluster, joinNode, rejoinNode, removeNode } from "./nodes.ts";
import type { ReplicaPlace } from "./replicas.ts";
import { assignReplica, dropReplica } from "./replicas.ts";
import { issueToken, revokeToken } from "./tokens.ts";

export function applyClusterCommand(
  scope: Pick<EntryScope, "state" | "timeMs">,
  command: ClusterCommand,
): SystemResult {
  const { state } = scope;
  switch (command.kind) {
    case "foundCluster":
      return nodeOr(foundCluster(scope, command.founding, command.node));
    case "issueToken":
      return doneOr(issueToken(scope, command.digest, command.lifetimeMs));
    case "revokeToken":
      return doneOr(revokeToken(state, command.digest));
    case "joinNode":
      return nodeOr(joinNode(scope, command.token, command.node));
    case "rejoinNode":
      return nodeOr(rejoinNode(scope, command));
    case "announceNode":
      return nodeOr(announceNode(state, command.node, command.life, command.addresses));
    case "changeNode":
      return nodeOr(changeNode(state, command.node, command.change));
    case "removeNode":
      return doneOr(removeNode(state, command.node));
    case "setLayout":
      return doneOr(setLayout(state, command.layout));
    case "assignReplica":
      return replicaOr(assignReplica(state, command.group, command.node));
    case "dropReplica":
      return doneOr(dropReplica(state, command.group, command.replica));
    case "closeShards":
      return doneOr(closeShards(state, command.epoch, command.shards));
    case "completeSlots":
      return doneOr(completeSlots(state, command));
    case "revertLayout":
      return doneOr(revertLayout(state, command.change));
  }
}

export function doneOr(refused: Refusal | undefined): SystemResult {
  return refused ?? { kind: "done" };
}

function nodeOr(outcome: NodeRecord | Refusal): SystemResult {
  return "kind" in outcome ? outcome : { kind: "node", node: outcome };
}

function replicaOr(outcome: ReplicaPlace | Refusal): SystemResult {
  return "kind" in outcome ? outcome : { kind: "replica", place: outcome };
}
