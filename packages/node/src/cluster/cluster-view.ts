/** Nodes and layout as the system group has them, and what a change of them would lead to. */

import type { NodeId } from "@holdfast/base";
import { nodeId, StoreError } from "@holdfast/base";
import type { ReplicatedLog, StateReader } from "@holdfast/ports";
import type { Layout, LayoutDescription, LayoutRefusal, Member, MovementPlan } from "@holdfast/ring";
import { describeLayout, drawLayout, nextLayout, planMovement } from "@holdfast/ring";
import type { NodeRecord, SystemResult } from "@holdfast/shard";
import { findLayout, listNodes } from "@holdfast/shard";

export interface LayoutView {
  readonly description: LayoutDescription;
  /** For a terminal of so many columns. */
  readonly draw: (options: { readonly columns: number; readonly ascii: boolean }) => string;
}

/** What somebody thinks of doing. */
export interface LayoutProposal {
  readonly join: readonly { readonly zone: string; readonly weight: number }[];
  /** They give away what they hold. */
  readonly leave: readonly string[];
  readonly weights: readonly { readonly node: string; readonly weight: number }[];
  /** Slots of a partition, for each redundancy in use; as they are now if undefined. */
  readonly widths: readonly number[] | undefined;
}

export interface LayoutPreview {
  /** False: the layout is already what this asks for. */
  readonly changes: boolean;
  readonly plan: MovementPlan;
  readonly after: LayoutView;
}

/** What an operator may know of the cluster. */
export interface ClusterView {
  /** By id. */
  nodes(): Promise<readonly NodeRecord[]>;
  layout(): Promise<LayoutView>;
  /** Changes nothing. NodeNotFound, InvalidRequest for what no layout can be, LayoutConflict while one is under way. */
  preview(proposal: LayoutProposal): Promise<LayoutPreview>;
}

export function clusterView(log: ReplicatedLog<SystemResult>, state: StateReader): ClusterView {
  const current = async (): Promise<Layout> => {
    await log.readBarrier();
    const layout = findLayout(state);
    if (layout === undefined)
      throw new StoreError("Unavailable", "The cluster has no layout yet. Try again.");
    return layout;
  };
  return {
    nodes: async () => {
      await log.readBarrier();
      return listNodes(state);
    },
    layout: async () => viewOf(await current()),
    preview: async (proposal) => preview(await current(), proposal),
  };
}

function viewOf(layout: Layout): LayoutView {
  return { description: describeLayout(layout), draw: (options) => drawLayout(layout, options) };
}

function preview(layout: Layout, { join, leave, weights, widths }: LayoutProposal): LayoutPreview {
  const known = (id: string): NodeId => {
    if (layout.members.some((member) => member.id === id)) return nodeId(id);
    throw new StoreError("NodeNotFound", `The layout has no node ${id}.`, { fields: { node: id } });
  };
  const leaving = new Set(leave.map(known));
  const weighed = new Map(weights.map(({ node, weight }) => [known(node), weight]));
  const members: readonly Member[] = [
    ...layout.members.map((member) => ({
      ...member,
      weight: weighed.get(member.id) ?? member.weight,
      draining: member.draining || leaving.has(member.id),
    })),
    ...join.map(({ zone, weight }, i) => ({ id: nodeId(`new-${i + 1}`), zone, weight, draining: false })),
  ];
  const change = nextLayout(layout, members, widths);
  if (change.kind !== "changed" && change.kind !== "unchanged") throw refused(change);
  return {
    changes: change.kind === "changed",
    plan: planMovement(layout, change.layout),
    after: viewOf(change.layout),
  };
}

function refused(refusal: LayoutRefusal): StoreError {
  switch (refusal.kind) {
    case "invalid-members":
      return new StoreError("InvalidRequest", `That is no layout: ${refusal.reason}.`);
    case "too-few-nodes": {
      const { width, placeableCount } = refusal;
      const message = `Partitions of ${width} slots need ${width} nodes that stay; there would be ${placeableCount}.`;
      return new StoreError("InvalidRequest", message, { fields: { width, nodes: placeableCount } });
    }
    case "joint-partitions": {
      const message = `${refusal.jointCount} partitions are still moving from an earlier change. Wait for them.`;
      return new StoreError("LayoutConflict", message, { fields: { partitions: refusal.jointCount } });
    }
  }
}
