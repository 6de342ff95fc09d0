/** How a certificate names a node: `holdfast://CLUSTER-ID/node/NODE-ID`, as its one subject alternative name. */

import type { NodeId } from "@holdfast/base";
import { nodeId } from "@holdfast/base";

export interface NodeName {
  readonly clusterId: string;
  readonly node: NodeId;
}

const clusterIdPattern = /^[0-9A-Za-z-]{1,64}$/;
const nodeIdPattern = /^[0-9a-f]{16}$/;
const alternativeNamePattern = /^URI:holdfast:\/\/([0-9A-Za-z-]{1,64})\/node\/([0-9a-f]{16})$/;

export function isClusterId(text: string): boolean {
  return clusterIdPattern.test(text);
}

export function isNodeId(text: string): boolean {
  return nodeIdPattern.test(text);
}

export function nodeUri({ clusterId, node }: NodeName): string {
  return `holdfast://${clusterId}/node/${node}`;
}

/** From a certificate's subject alternative names, as node:crypto writes them. Undefined unless there is this one name alone. */
export function parseNodeName(subjectAltName: string | undefined): NodeName | undefined {
  const match = alternativeNamePattern.exec(subjectAltName ?? "");
  const [, clusterId, node] = match ?? [];
  return clusterId === undefined || node === undefined ? undefined : { clusterId, node: nodeId(node) };
}
