/** Who may come into the cluster: one-time tokens, and the nodes that bring one. */

import { StoreError } from "@holdfast/base";
import type { NewNode, SystemCommand, SystemResult } from "@holdfast/shard";
import { systemGroup } from "../groups/group-ids.ts";
import { refusal } from "../refusal.ts";
import { clusterMapOf, peersOf } from "./cluster-map.ts";
import type { ClusterSeed } from "./cluster-seed.ts";
import type { SystemPort } from "./layout-ports.ts";

export interface Membership {
  /** A token by whose SHA-256 digest one node may come in, within `lifetimeMs`. */
  issueToken(digest: Uint8Array, lifetimeMs: number): Promise<void>;
  revokeToken(digest: Uint8Array): Promise<void>;
  /**
   * A node brings a token. Said again by the same node it is answered as before. StoreError "InvalidToken" for one that is
   * wrong, used, revoked or expired; "NodeConflict" for a known node's id with another directory.
   */
  letIn(token: Uint8Array, node: NewNode): Promise<ClusterSeed>;
}

export function membershipOf(system: SystemPort): Membership {
  const decide = async (command: SystemCommand): Promise<SystemResult> => {
    const result = await system.append(command);
    if (result.kind === "refused") throw refusal(result.code, result.subject);
    return result;
  };
  return {
    issueToken: async (digest, lifetimeMs) => {
      await decide({ kind: "issueToken", digest, lifetimeMs });
    },
    revokeToken: async (digest) => {
      await decide({ kind: "revokeToken", digest });
    },
    letIn: async (token, node) => {
      await decide({ kind: "joinNode", token, node });
      await decide({ kind: "assignReplica", group: systemGroup, node: node.id });
      return seedFrom(system);
    },
  };
}

function seedFrom({ state }: SystemPort): ClusterSeed {
  const map = clusterMapOf(state);
  const places = map?.groups.find(({ group }) => group === systemGroup)?.places;
  if (map === undefined || places === undefined)
    throw new StoreError("Unavailable", "This node does not know its cluster yet. Try again in a moment.");
  const { clusterId, founding } = map;
  return { clusterId, consensus: founding.consensus, places, peers: peersOf(map) };
}
