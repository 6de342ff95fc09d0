/** `holdfast cluster status`: the cluster as the node that answers knows it. */

import { sizeText, table } from "../command-line/format.ts";
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
  ];
  await output.result(known, table(rows).join("\n"));
}
