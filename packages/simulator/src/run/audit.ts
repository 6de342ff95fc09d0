/**
 * Looks into the stores of a node that has stopped, when no upload is open and everything dead was collected:
 *   - each group's state keeps its invariants, and its digest is that of what is stored (S12);
 *   - each content is live and has exactly the references that files hold (S5);
 *   - each block belongs to a live content, and each live content has all its blocks (S4): nothing leaks, nothing is lost.
 */

import type { ContentId, ShardId } from "@holdfast/base";
import { assert, contentIdText, present, seededRandom, shardId } from "@holdfast/base";
import type { BlockStore } from "@holdfast/blocks";
import { openBlockStore } from "@holdfast/blocks";
import type { Content } from "@holdfast/namespace";
import {
  deadContents,
  findContent,
  findFile,
  findStream,
  listBuckets,
  listFiles,
  pendingDrops,
  referenceCount,
} from "@holdfast/namespace";
import { dataFolders, shardGroup, systemGroup } from "@holdfast/node";
import type { StateReader } from "@holdfast/ports";
import { silentJournal } from "@holdfast/ports";
import { simulatedHashing } from "@holdfast/ports/simulated";
import { checkInvariants } from "@holdfast/shard";
import type { GroupState } from "@holdfast/state";
import { StateStore } from "@holdfast/state";
import type { SimulatedMachine } from "../machine/simulated-machine.ts";
import { violated } from "../model/violation.ts";
import type { Plan } from "./plan.ts";

const pageMax = 1000;

export async function auditStores(
  machine: SimulatedMachine,
  { node }: Pick<Plan, "node">,
  trace: (line: string) => void,
): Promise<void> {
  const state = new StateStore(machine.store(machine.stateFolder).mount(), simulatedHashing);
  const system = state.group(systemGroup);
  checkDigest(system);
  const shards = Array.from({ length: node.shardCount }, (_, i) => ({
    id: shardId(i),
    state: state.group(shardGroup(shardId(i))),
  }));
  for (const shard of shards) {
    checkDigest(shard.state);
    checkInvariants(shard.state, shard.id);
    checkCollected(shard.state, shard.id);
  }
  const contents = findLiveContents(
    system,
    shards.map((shard) => shard.state),
  );
  const blocks = await openStoppedBlocks(machine, node.volumeBytesMax);
  await checkBlocks(
    blocks,
    contents,
    shards.map((shard) => shard.state),
  );
  const { volumes, liveBytes, deadBytes, blocks: blocksCount } = blocks.usage();
  trace(
    `audit: ${contents.size} contents, ${blocksCount} blocks, ${volumes} volumes, ${liveBytes} live and ${deadBytes} dead bytes`,
  );
  await blocks.close();
}

export function checkDigest(state: GroupState): void {
  const { low, high } = state.recomputeDigest();
  if (low !== state.digest.low || high !== state.digest.high)
    violated(`group ${state.group}: the digest kept is not that of the state`);
}

export function checkCollected(state: StateReader, shard: ShardId): void {
  const dead = deadContents(state, Number.MAX_SAFE_INTEGER, pageMax);
  if (dead.length > 0)
    violated(
      `shard ${shard}: ${dead.length} dead contents are left, such as ${contentIdText(present(dead[0], "one").id)}`,
    );
  const drops = pendingDrops(state, pageMax);
  if (drops.length > 0) violated(`shard ${shard}: ${drops.length} reference drops are left`);
}

export interface LiveContent {
  readonly content: Content;
  referencesCount: number;
}

/** The contents that files name, with how many files name each. */
export function findLiveContents(
  system: StateReader,
  shards: readonly StateReader[],
): ReadonlyMap<string, LiveContent> {
  const live = new Map<string, LiveContent>();
  for (const bucket of listBuckets(system)) {
    const page = listFiles(shards, {
      bucket: bucket.id,
      prefix: "",
      delimiter: "",
      after: "",
      limit: pageMax,
    });
    assert(page.next === undefined, "few files");
    for (const { key } of page.files) {
      const version = shards
        .map((shard) => findFile(shard, bucket.id, key))
        .find((found) => found !== undefined);
      if (version?.body.kind !== "content") continue;
      const { content: id } = version.body;
      const content = findContent(present(shards[id.home], "home shard"), id);
      if (content === undefined)
        violated(`${bucket.name}/${key} names content ${contentIdText(id)}, which is not there`);
      const known = live.get(contentIdText(id)) ?? { content, referencesCount: 0 };
      known.referencesCount++;
      live.set(contentIdText(id), known);
    }
  }
  for (const [name, { content, referencesCount }] of live) {
    const kept = referenceCount(present(shards[content.id.home], "home shard"), content.id);
    if (kept !== referencesCount)
      violated(`content ${name} keeps ${kept} references, files have ${referencesCount}`);
  }
  return live;
}

async function checkBlocks(
  blocks: BlockStore,
  contents: ReadonlyMap<string, LiveContent>,
  shards: readonly StateReader[],
): Promise<void> {
  let blocksCount = 0;
  for (const { content } of contents.values())
    for (const part of content.parts) {
      const stream: ContentId = { home: content.id.home, writer: part.writer, attempt: part.attempt };
      const found = blocks.blocksOf(stream);
      const expected = Math.ceil(part.bytes / part.blockBytes);
      if (found.length !== expected)
        violated(`content ${contentIdText(content.id)} has ${found.length} of ${expected} blocks`);
      for (const id of found) await blocks.read(id);
      blocksCount += expected;
    }
  if (blocks.usage().blocks === blocksCount) return;
  for (const stream of blocks.contents(undefined, 1_000_000)) {
    const found = findStream(present(shards[stream.home], "home shard"), stream.writer, stream.attempt);
    const owner =
      found?.kind === "content" ? found.content.id : found?.kind === "absorbed" ? found.into : undefined;
    if (owner === undefined || !contents.has(contentIdText(owner)))
      violated(
        `blocks of ${contentIdText(stream)} are left, which belong to ${found?.kind ?? "nothing on record"}${owner === undefined ? "" : ` ${contentIdText(owner)}, which no file names`}`,
      );
  }
  violated(`${blocks.usage().blocks} blocks counted, files have ${blocksCount}`);
}

/** The block store of a node that has stopped. */
export function openStoppedBlocks(machine: SimulatedMachine, volumeBytesMax: number): Promise<BlockStore> {
  return openBlockStore({
    disk: machine.disk.mount(),
    index: machine.store(dataFolders.blockIndex).mount(),
    clock: machine.clock,
    random: seededRandom(1),
    hashing: simulatedHashing,
    journal: silentJournal,
    folder: dataFolders.blocks,
    volumeBytesMax,
  });
}
