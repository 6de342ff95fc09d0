/** The layout of the cluster, and what a change of it would move. Documents as the native API has them. */

import { listIn, numberIn, textIn } from "./document-members.ts";
import { isRecord } from "./error-answer.ts";
import { queryText } from "./file-name.ts";
import type { Answer } from "./read-answer.ts";

export interface LayoutNode {
  readonly id: string;
  readonly zone: string;
  readonly weight: number;
  readonly draining: boolean;
  readonly slotCount: number;
  /** By weight, as far as partitions and zones allow. */
  readonly wantedSlots: number;
}

export interface LayoutTable {
  /** Slots of a partition: n for replicas:n, k + m for erasure:k+m. */
  readonly width: number;
  /** Partitions that are moving. */
  readonly jointCount: number;
  readonly nodes: readonly LayoutNode[];
  /** The fullest node's slots over what is wanted of it. */
  readonly maxOverShare: number;
  readonly zonesPerPartitionMin: number;
}

export interface Layout {
  readonly epoch: number;
  readonly partitionCount: number;
  readonly tables: readonly LayoutTable[];
  /** For a terminal. */
  readonly drawing: string;
}

export interface LayoutProposal {
  readonly join?: readonly { readonly zone: string; readonly weight: number }[];
  /** Ids of nodes that give away what they hold. */
  readonly leave?: readonly string[];
  readonly weights?: readonly { readonly node: string; readonly weight: number }[];
  /** Slots of a partition for each redundancy in use; as they are now if left out. */
  readonly widths?: readonly number[] | undefined;
}

export interface LayoutPreview {
  /** False: the layout is like that already. */
  readonly changes: boolean;
  /** In slots: one is what a partition holds in one node. */
  readonly movedCount: number;
  readonly leastCount: number;
  readonly tables: readonly {
    readonly width: number;
    readonly movedCount: number;
    readonly movedFraction: number;
  }[];
  readonly nodes: readonly { readonly id: string; readonly inCount: number; readonly outCount: number }[];
  readonly after: Layout;
}

export interface DrawingOptions {
  /** 60 to 400; 80 unless said. */
  readonly columns?: number;
  readonly ascii?: boolean;
}

export function drawingQuery({ columns, ascii }: DrawingOptions): string {
  return queryText({ columns: columns?.toString(), ascii: ascii === true ? "true" : undefined });
}

export function layoutFrom(document: unknown): Layout {
  return {
    epoch: numberIn(document, "epoch"),
    partitionCount: numberIn(document, "partitionCount"),
    tables: listIn(document, "tables").map(tableFrom),
    drawing: textIn(document, "drawing"),
  };
}

export function previewFrom(document: Answer): LayoutPreview {
  const movement = document["movement"];
  return {
    changes: document["changes"] === true,
    movedCount: numberIn(movement, "movedCount"),
    leastCount: numberIn(movement, "leastCount"),
    tables: listIn(movement, "tables").map((table) => ({
      width: numberIn(table, "width"),
      movedCount: numberIn(table, "movedCount"),
      movedFraction: numberIn(table, "movedFraction"),
    })),
    nodes: listIn(movement, "nodes").map((node) => ({
      id: textIn(node, "id"),
      inCount: numberIn(node, "inCount"),
      outCount: numberIn(node, "outCount"),
    })),
    after: layoutFrom(document["after"]),
  };
}

function tableFrom(table: unknown): LayoutTable {
  return {
    width: numberIn(table, "width"),
    jointCount: numberIn(table, "jointCount"),
    maxOverShare: numberIn(table, "maxOverShare"),
    zonesPerPartitionMin: numberIn(table, "zonesPerPartitionMin"),
    nodes: listIn(table, "nodes").map((node) => ({
      id: textIn(node, "id"),
      zone: textIn(node, "zone"),
      weight: numberIn(node, "weight"),
      draining: isRecord(node) && node["draining"] === true,
      slotCount: numberIn(node, "slotCount"),
      wantedSlots: numberIn(node, "wantedSlots"),
    })),
  };
}
