/** Bugs of whole nodes in a cluster: seeds of the cluster simulation have to notice them. */

import type { Mutant } from "../mutant.ts";
import { clusterSeeds } from "../mutant.ts";

export const clusterMutants: readonly Mutant[] = [
  {
    row: "C1",
    bug: "a command of which nobody knows is asked again under another attempt number",
    file: "packages/node/src/writer.ts",
    edits: [
      {
        find: "const { result } = await untilKnown({ clock, stopping }, () => log.append(entry));",
        replace: `let tries = 0;
      const again = () =>
        tries++ === 0 || command.kind !== "operate"
          ? log.append(entry)
          : log.append(
              encode(shardEntryCodec, {
                timeMs: clock.wallMs(),
                command: { ...command, attempt: attemptNumber(this.#next++) },
              }),
            );
      const { result } = await untilKnown({ clock, stopping }, again);`,
      },
    ],
    detector: clusterSeeds,
  },
  {
    row: "C2",
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
    row: "C3",
    bug: "a block counts as stored in one slot fewer than a quorum",
    file: "packages/node/src/replication/quorum.ts",
    edits: [
      {
        find: "return 1 + Math.ceil((width - 1) / 2);",
        replace: "return Math.max(1, Math.ceil((width - 1) / 2));",
      },
    ],
    detector: clusterSeeds,
  },
  {
    row: "C4",
    bug: "a replica is given up on the word of a map of long ago",
    file: "packages/node/src/cluster/node-cluster.ts",
    edits: [{ find: "await this.system.log.readBarrier();", replace: "await Promise.resolve();" }],
    detector: clusterSeeds,
  },
  {
    row: "C5",
    bug: "a command whose connection ended is taken for one that never left",
    file: "packages/node/src/proposals/proposals.ts",
    edits: [
      {
        find: 'if (to === peer) this.#end(id, { kind: "failed", error: wireError(unknownFate()) });',
        replace: 'if (to === peer) this.#end(id, { kind: "failed", error: wireError(unreachable()) });',
      },
    ],
    detector: clusterSeeds,
  },
  {
    row: "C6",
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
];
