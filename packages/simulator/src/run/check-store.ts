/** The node's own check of what it stores (fsck), with the simulator's judgement: a problem is a violation. */

import type { FsckSummary, HoldfastNode } from "@holdfast/node";
import { dataFolders } from "@holdfast/node";
import type { Disk } from "@holdfast/ports";
import { violated } from "../model/violation.ts";

export async function checkStore(node: HoldfastNode, deep: boolean): Promise<FsckSummary> {
  let summary: FsckSummary | undefined;
  for await (const event of node.fsck({ deep })) {
    if (event.kind === "problem")
      violated(`fsck: ${event.problem}: ${event.message} ${event.files.join(", ")}`);
    if (event.kind === "summary") summary = event;
  }
  return summary ?? violated("fsck ends without a summary");
}

/** Once everything dead is collected, nothing waits for it. */
export async function checkCollected(node: HoldfastNode): Promise<void> {
  const { unreferencedBytes, awaitingErasureBytes } = await checkStore(node, true);
  if (unreferencedBytes + awaitingErasureBytes > 0)
    violated(
      `fsck: ${unreferencedBytes} bytes belong to nothing, ${awaitingErasureBytes} bytes still wait to be erased`,
    );
}

/** Behind deletion, grace, collection and compaction: no block is counted and no volume is left on the disk. */
export async function checkEmpty(node: HoldfastNode, disk: Disk): Promise<void> {
  await checkCollected(node);
  const { blocks } = await node.status();
  const volumes = (await disk.list(dataFolders.blocks)).filter((name) => name.endsWith(".vol"));
  if (blocks.blocks + blocks.liveBytes + blocks.deadBytes + volumes.length > 0)
    violated(`an empty store has ${JSON.stringify(blocks)} in ${volumes.join(", ")}`);
}
