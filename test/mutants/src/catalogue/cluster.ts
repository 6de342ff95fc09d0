/** Bugs of whole nodes in a cluster: seeds of the cluster simulation have to notice them. */

import type { Mutant } from "../mutant.ts";
import { clusterSeeds } from "../mutant.ts";

export const clusterMutants: readonly Mutant[] = [
  {
    row: "C1",
    bug: "followers serve reads without asking anybody",
    file: "packages/groups/src/group-replica.ts",
    edits: [
      {
        find: "if (this.#isSoleLeader) return undefined;",
        replace:
          "if (this.#isSoleLeader || (this.#leader !== undefined && this.#leader !== this.replica)) return undefined;",
      },
    ],
    detector: clusterSeeds,
  },
  {
    row: "C2",
    bug: "a read that a quorum confirmed does not wait until its state has come so far",
    file: "packages/groups/src/barriers.ts",
    edits: [
      {
        find: "else if (index <= applied) for (const { resolve } of waiters) resolve();",
        replace: "else if (applied >= 0) for (const { resolve } of waiters) resolve();",
      },
    ],
    detector: clusterSeeds,
  },
  {
    row: "C3",
    bug: "a replica is given up on the word of a map of long ago",
    file: "packages/node/src/cluster/node-cluster.ts",
    edits: [{ find: "await this.system.log.readBarrier();", replace: "await Promise.resolve();" }],
    detector: { kind: "tests", files: ["packages/simulator/src/cluster/growth.test.ts"] },
  },
  {
    row: "C4",
    bug: "a condition is judged before the entry, and not in it",
    file: "packages/namespace/src/files.ts",
    edits: [
      {
        find: "judgeCondition(request.condition, before?.etag) ?? judgeBody(scope, attempt, request);",
        replace: "judgeBody(scope, attempt, request);",
      },
    ],
    detector: clusterSeeds,
  },
  {
    row: "C5",
    bug: "who belongs to a group is judged by nodes of before, and by replica numbers of now",
    file: "packages/node/src/cluster/reconciler.ts",
    edits: [
      {
        find: 'const map = present(clusterMapOf(system.state), "a cluster that is known");',
        replace:
          'const map = present(system.state === undefined ? clusterMapOf(system.state) : cluster.map, "a map");',
      },
    ],
    detector: { kind: "tests", files: ["packages/simulator/src/cluster/growth.test.ts"] },
  },
  {
    row: "C6",
    bug: "a leader whose log is full leads on",
    file: "packages/node/src/groups/full-log.ts",
    edits: [{ find: "if (isFull && wasFull) offerLeaderships();", replace: "" }],
    detector: { kind: "tests", files: ["packages/node/src/cluster/cluster.test.ts"] },
  },
  {
    row: "C7",
    bug: "a node that was removed is out of the system group before it knows",
    file: "packages/node/src/cluster/reconciler.ts",
    edits: [
      {
        find: "if (number === 0 && !this.#mayLetGo(nodesLetGo(move, view))) return true;",
        replace: "",
      },
    ],
    detector: { kind: "tests", files: ["packages/node/src/cluster/membership.test.ts"] },
  },
  {
    row: "25",
    bug: "a node that lost its log votes on under its old numbers",
    file: "packages/shard/src/cluster/replicas.ts",
    edits: [
      {
        find: "  if (found !== undefined) return found;",
        replace: `  if (found !== undefined) return found;
  const before = known.places.find((place) => place.node === node);
  if (before !== undefined) {
    const kept = { ...before, incarnation };
    put(state, { ...known, places: known.places.map((place) => (place === before ? kept : place)) });
    return kept;
  }`,
      },
    ],
    detector: { kind: "cluster", firstSeed: 1, seedsMax: 20, fault: "lost-log" },
  },
  {
    row: "S11",
    bug: "another node loses its vote while one that lost its log catches up",
    file: "packages/node/src/cluster/group-wishes.ts",
    edits: [
      {
        find: "view.record.places.filter(({ replica }) => voters.includes(replicaId(replica))).map(({ node }) => node),",
        replace:
          "view.record.places.filter(({ replica, node }) => replicaOf(view, node) === replicaId(replica) && voters.includes(replicaId(replica))).map(({ node }) => node),",
      },
    ],
    detector: { kind: "tests", files: ["packages/node/src/rejoin.test.ts"] },
  },
  {
    row: "S11",
    bug: "what was said for a life of a log that is over brings it back",
    file: "packages/shard/src/cluster/nodes.ts",
    edits: [
      {
        find: "if (known.logIncarnation !== life.logIncarnation && isUsedBy(state, token, node))",
        replace:
          "if (known.logIncarnation !== life.logIncarnation && isUsedBy(state, token, node) && timeMs < 0)",
      },
    ],
    detector: { kind: "tests", files: ["packages/shard/src/cluster/cluster.test.ts"] },
  },
  {
    row: "S11",
    bug: "who speaks for a replica is judged by its node, whatever log that lives with",
    file: "packages/groups/src/group-places.ts",
    edits: [
      {
        find: "return place?.node === node && place.incarnation === incarnation;",
        replace: 'return place?.node === node && incarnation !== "";',
      },
    ],
    detector: { kind: "tests", files: ["packages/groups/src/restore-replica.test.ts"] },
  },
  {
    row: "S12",
    bug: "a start relies on a state store that it has not looked through",
    file: "packages/node/src/state-store/kept-state.ts",
    edits: [
      {
        find: "kept.#damage ??= await kept.#check();",
        replace: "kept.#damage ??= (await kept.#check()) === undefined ? undefined : undefined;",
      },
    ],
    detector: { kind: "tests", files: ["packages/node/src/state-reload/state-reload.test.ts"] },
  },
  {
    row: "S12",
    bug: "of a state store in which something is damaged only that is loaded anew",
    file: "packages/node/src/state-store/state-damage.ts",
    edits: [
      {
        find: "if (groups.areAllElsewhere) this.#giveUp",
        replace: 'if (groups.areAllElsewhere && reason === "") this.#giveUp',
      },
    ],
    detector: { kind: "tests", files: ["packages/node/src/state-reload/state-reload.test.ts"] },
  },
];
