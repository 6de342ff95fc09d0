/** `holdfast cluster status`: the cluster as the node that answers knows it. */

import type { ScrubStatus } from "@holdfast/client";
import { countText, sizeText, table, timeText } from "../command-line/format.ts";
import type { Session } from "../command-line/session.ts";

export async function status({ output, signal, ...session }: Session): Promise<void> {
  const store = await session.store();
  const known = await store.status({ signal });
  const { shards, blocks, disk, reason } = known;
  const applied = shards.reduce((sum, shard) => sum + shard.appliedIndex, 0);
  const rows = [
    ["cluster", known.clusterId],
    ["node", known.nodeId],
    ["state", known.ready ? "ready" : `not ready: ${reason ?? "unknown"}`],
    ["shards", `${shards.length} (${applied} entries applied)`],
    [
      "blocks",
      `${blocks.blocks} (${sizeText(blocks.liveBytes)} live, ${sizeText(blocks.deadBytes)} to be collected)`,
    ],
    ["disk", `${sizeText(disk.freeBytes)} free of ${sizeText(disk.totalBytes)}`],
    ["scrub", scrubText(known.scrub)],
  ];
  await output.result(known, table(rows).join("\n"));
}

function scrubText({ running, last }: ScrubStatus): string {
  const under = running === undefined ? "" : ` (now at block ${running.blocks} of ${running.blocksStored})`;
  if (last === undefined) return `none finished yet${under}`;
  const damage =
    last.damagedBlocks + last.stateProblems.length === 0
      ? "nothing damaged"
      : `${countText(last.damagedBlocks, "block")} DAMAGED: run \`holdfast scrub --wait\` or \`holdfast fsck --deep\``;
  return `${damage} at ${timeText(last.finishedAtMs)}${under}`;
}
