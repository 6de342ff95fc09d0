/** What files take from the layout: where blocks go, and what redundancy there can be. */

import { epoch } from "@holdfast/base";
import type { Redundancy } from "@holdfast/namespace";
import { tableOfWidth } from "@holdfast/ring";
import { singleReplica } from "../buckets/defaults.ts";
import type { NodeBlocks } from "../replication/node-blocks.ts";
import type { FilesContext } from "./context.ts";
import { ReplicatedFileBlocks } from "./replicated-file-blocks.ts";

/** From three nodes on. */
const threeReplicas: Redundancy = { dataFragments: 1, parityFragments: 2 };

export function placedFiles({
  blocks,
  placement,
}: NodeBlocks): Pick<FilesContext, "blocks" | "defaultRedundancy" | "placeableCount"> {
  const placeableCount = (): number =>
    placement.layout?.members.filter(({ draining }) => !draining).length ?? 1;
  const hasThree = (): boolean =>
    placement.layout !== undefined &&
    tableOfWidth(placement.layout, 3) !== undefined &&
    placeableCount() >= 3;
  return {
    blocks: new ReplicatedFileBlocks(blocks, () => placement.layout?.epoch ?? epoch(0)),
    defaultRedundancy: () => (hasThree() ? threeReplicas : singleReplica),
    placeableCount,
  };
}
