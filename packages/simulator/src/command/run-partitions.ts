/** What partial partitions do to a group of either protocol (group/partial-partitions.ts), as a table. */

import type { Envelope } from "@holdfast/consensus";
import type { Endured, PartialPartition } from "../group/partial-partitions.ts";
import { electionTimeoutTicks, endure, partialPartitions } from "../group/partial-partitions.ts";
import type { Protocol } from "../group/protocol.ts";
import { multiPaxos, raft } from "../group/protocol.ts";
import type { PartitionsCommand } from "./options.ts";
import { say } from "./terminal.ts";

/** The exit code. */
export function runPartitions({ seedsCount }: PartitionsCommand): number {
  say(`${seedsCount} seeds each; an election timeout is up to ${electionTimeoutTicks} ticks`);
  say("");
  say("| voters | partition | protocol | served | median ticks | worst | changes of leader at the most |");
  say("| ---: | --- | --- | ---: | ---: | ---: | ---: |");
  for (const votersCount of [3, 5])
    for (const partition of partialPartitions) {
      say(row(raft, partition, votersCount, seedsCount));
      say(row(multiPaxos, partition, votersCount, seedsCount));
    }
  return 0;
}

function row<Message extends Envelope>(
  protocol: Protocol<Message>,
  partition: PartialPartition,
  votersCount: number,
  seedsCount: number,
): string {
  const all: readonly Endured[] = Array.from({ length: seedsCount }, (_, i) =>
    endure({ protocol, partition, votersCount, seed: i + 1 }),
  );
  const ticks = all.flatMap(({ ticksToServe }) => ticksToServe ?? []).sort((a, b) => a - b);
  const changes = Math.max(...all.map(({ leaderChanges }) => leaderChanges));
  const share = `${ticks.length} of ${seedsCount}`;
  const cells = [
    votersCount,
    partition,
    protocol.name,
    share,
    ticks[ticks.length >> 1] ?? "-",
    ticks.at(-1) ?? "-",
    changes,
  ];
  return `| ${cells.join(" | ")} |`;
}
