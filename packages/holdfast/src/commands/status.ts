/** `holdfast status`: the node that answers, as it knows itself. */

import type { ClusterStatus, ScrubStatus } from "@holdfast/client";
import { countText, sizeText, table, timeText } from "../command-line/format.ts";
import type { Session } from "../command-line/session.ts";

export async function status({ output, signal, ...session }: Session): Promise<void> {
  const store = await session.store();
  const known = await store.status({ signal });
  const { shards, blocks, disk, log, checkpoint, server } = known;
  const applied = shards.reduce((sum, shard) => sum + shard.appliedIndex, 0);
  const damage = blocks.damagedFound === 0 ? "" : `, ${blocks.damagedFound} FOUND DAMAGED`;
  const reserve = `reserve ${sizeText(disk.reserveBytes)}`;
  const rows = [
    ["cluster", known.clusterId],
    ["node", known.nodeId],
    ["state", stateText(known)],
    ["shards", `${shards.length} (${applied} entries applied)`],
    [
      "log",
      `${log.failed ? "FAILED, " : ""}${countText(log.segments, "segment")}, ${sizeText(log.segmentsBytes)}`,
    ],
    [
      "checkpoint",
      `${countText(checkpoint.lagEntries, "entry", "entries")}, ${sizeText(checkpoint.lagBytes)} behind the log`,
    ],
    [
      "blocks",
      `${blocks.blocks} (${sizeText(blocks.liveBytes)} live, ${sizeText(blocks.deadBytes)} to be collected${damage})`,
    ],
    ["disk", `${sizeText(disk.freeBytes)} free of ${sizeText(disk.totalBytes)}, ${reserve}`],
    ["scrub", scrubText(known.scrub)],
    ...(server === undefined ? [] : [["version", `${server.version} on Node ${server.nodeVersion}`]]),
    ...(known.startedAtMs === 0 ? [] : [["started", timeText(known.startedAtMs)]]),
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

function stateText({ ready, writable, reason = "unknown" }: ClusterStatus): string {
  if (!ready) return `not ready: ${reason}`;
  return writable ? "ready" : `ready for reads and deletes alone: ${reason}`;
}
