import type { NodeId } from "@holdfast/base";
import { nodeId } from "@holdfast/base";

export const clusterId = "registers";

/** Nodes of a test are numbered from 0. */
export function nodeIdOf(node: number): NodeId {
  return nodeId(String(node + 1).padStart(16, "0"));
}
