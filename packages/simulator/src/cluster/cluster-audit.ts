/**
 * Looks into the stores of a cluster whose nodes have stopped, when nothing was on its way any more and everything dead was
 * collected:
 *   - replicas of a group at one index have one state (S12), whose digest is that of what is stored;
 *   - each content is live and has exactly the references that files hold (S5);
 *   - each block of a live content is whole in every slot of the layout (S2, S3), and no block belongs to anything else (S4).
 */

import type { BlockId, ContentId, NodeId } from "@holdfast/base";
import { blockIdText, blockKey, contentIdText, present, shardId } from "@holdfast/base";
import type { BlockStore } from "@holdfast/blocks";
import { shardGroup, systemGroup } from "@holdfast/node";
import { simulatedHashing } from "@holdfast/ports/simulated";
import type { Layout } from "@holdfast/ring";
import { blockHash, idOf, nodeAt, partitionOfHash, tableOfWidth } from "@holdfast/ring";
import { checkInvariants, findLayout } from "@holdfast/shard";
import type { GroupState } from "@holdfast/state";
import { StateStore } from "@holdfast/state";
import { violated } from "../model/violation.ts";
import type { LiveContent } from "../run/audit.ts";
import { checkCollected, checkDigest, findLiveContents, openStoppedBlocks } from "../run/audit.ts";
import type { ClusterPlan } from "./cluster-plan.ts";
import type { Member } from "./member.ts";

export interface AuditedMember {
  readonly id: NodeId;
  readonly member: Member;
}

export async function auditCluster(
  members: readonly AuditedMember[],
  { node }: Pick<ClusterPlan, "node">,
  trace: (line: string) => void,
): Promise<void> {
  const stores = members.map(
    ({ member: { machine } }) => new StateStore(machine.store(machine.stateFolder).mount(), simulatedHashing),
  );
  const system = newestOf(stores.map((store) => store.group(systemGroup)));
  const shards = Array.from({ length: node.shardCount }, (_, i) => {
    const state = newestOf(stores.map((store) => store.group(shardGroup(shardId(i)))));
    checkInvariants(state, shardId(i));
    checkCollected(state, shardId(i));
    return state;
  });
  const layout = findLayout(system) ?? violated("the cluster has no layout");
  const contents = findLiveContents(system, shards);
  const blockStores = new Map<NodeId, BlockStore>();
  for (const { id, member } of members)
    blockStores.set(id, await openStoppedBlocks(member.machine, node.volumeBytesMax));
  const blocksCount = await checkBlocks(contents, layout, blockStores);
  trace(`audit: ${contents.size} contents, ${blocksCount} blocks in their slots, epoch ${layout.epoch}`);
  for (const store of blockStores.values()) await store.close();
}

/** The replica that came farthest; those that came as far have to have the same state. */
function newestOf(replicas: readonly GroupState[]): GroupState {
  const newest = replicas.reduce((best, one) => (one.appliedIndex > best.appliedIndex ? one : best));
  for (const replica of replicas) {
    checkDigest(replica);
    const isSame = replica.digest.low === newest.digest.low && replica.digest.high === newest.digest.high;
    if (replica.appliedIndex === newest.appliedIndex && !isSame)
      violated(`group ${newest.group}: two replicas differ at index ${newest.appliedIndex}`);
  }
  return newest;
}

/** How many blocks live contents have in all their slots. */
async function checkBlocks(
  contents: ReadonlyMap<string, LiveContent>,
  layout: Layout,
  stores: ReadonlyMap<NodeId, BlockStore>,
): Promise<number> {
  const streams = new Set<string>();
  let count = 0;
  for (const { content } of contents.values())
    for (const part of content.parts) {
      const stream: ContentId = { home: content.id.home, writer: part.writer, attempt: part.attempt };
      streams.add(contentIdText(stream));
      const { dataFragments, parityFragments } = content.redundancy;
      const ids = blocksOf(stores, stream);
      const expected = Math.ceil(part.bytes / part.blockBytes);
      if (ids.length !== expected)
        violated(`content ${contentIdText(content.id)} has ${ids.length} of ${expected} blocks`);
      for (const id of ids) count += await checkBlock(id, dataFragments + parityFragments, layout, stores);
    }
  for (const [node, store] of stores)
    for (const stream of store.contents(undefined, 1_000_000))
      if (!streams.has(contentIdText(stream)))
        violated(`node ${node} has blocks of ${contentIdText(stream)}, which no file names`);
  return count;
}

/** Of a stream, whichever nodes have them. */
function blocksOf(stores: ReadonlyMap<NodeId, BlockStore>, stream: ContentId): readonly BlockId[] {
  const found = new Map<string, BlockId>();
  for (const store of stores.values())
    for (const id of store.blocksOf(stream)) found.set(blockIdText(id), id);
  return [...found.values()];
}

/** How many slots it is in: all. */
async function checkBlock(
  id: BlockId,
  width: number,
  layout: Layout,
  stores: ReadonlyMap<NodeId, BlockStore>,
): Promise<number> {
  const table = tableOfWidth(layout, width) ?? violated(`the layout has no table of width ${width}`);
  const partition = partitionOfHash(blockHash(blockKey(id)), layout.partitionBits);
  for (let slot = 0; slot < width; slot++) {
    const node = idOf(layout, nodeAt(table, partition, slot));
    try {
      await present(stores.get(node), "a node of the cluster").read(id);
    } catch (error) {
      violated(`block ${blockIdText(id)} is not whole in its slot on node ${node}: ${String(error)}`);
    }
  }
  return width;
}
