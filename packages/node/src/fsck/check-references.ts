/**
 * Every reference has its version, the other way round from check-files (S5). There is no way from a reference to its
 * file but to look for it, so a bounded batch of references is looked for in one walk over the shard's files.
 *
 * A reference belongs to one version at one key, for ever. One that was there before the walk over the files and is there
 * behind it had its version all the time: a walk that did not meet it proves that there is none.
 */

import type { ContentId, ShardId } from "@holdfast/base";
import { contentIdText, equalContentIds } from "@holdfast/base";
import type { WalkedReference } from "@holdfast/namespace";
import {
  countReferences,
  hasReference,
  isReferenceHeld,
  referenceCount,
  walkFiles,
  walkHeldReferences,
  walkReferences,
} from "@holdfast/namespace";
import type { StateReader } from "@holdfast/ports";
import { referenceStatusesQuestion } from "../shard-reads/content-questions.ts";
import type { ShardReplica } from "../shard-replica.ts";
import type { FsckEvent, FsckProblem } from "./findings.ts";
import type { Inspection } from "./inspection.ts";

const referencesPerSlice = 500;
const filesPerSlice = 100;
/** References that one walk over a shard's files looks for: some tens of megabytes. */
const soughtMax = 100_000;
/** Sets up to this size are counted. */
const countedMax = 10_000;

export async function* checkReferences(
  inspection: Inspection,
  shard: ShardReplica,
): AsyncGenerator<FsckEvent, void, undefined> {
  const search = new Search(inspection, shard);
  let from: Uint8Array | undefined;
  do {
    await inspection.pause();
    const state = await shard.read();
    const { items, next } = walkReferences(state, { from, limit: referencesPerSlice });
    yield* miscounted(inspection, state, items);
    const copied = items.filter(({ content, reference }) => !equalContentIds(content, reference));
    for (const { content, reference } of items)
      if (equalContentIds(content, reference)) search.add({ kind: "own", reference });
    for (const [home, ofHome] of Map.groupBy(copied, ({ reference }) => reference.home))
      yield* checkCopied(inspection, shard, home, ofHome);
    if (search.isFull || next === undefined) yield* search.run();
    from = next;
  } while (from !== undefined);
  do {
    await inspection.pause();
    const { items, next } = walkHeldReferences(await shard.read(), shard.id, {
      from,
      limit: referencesPerSlice,
    });
    for (const reference of items) search.add({ kind: "held", reference });
    if (search.isFull || next === undefined) yield* search.run();
    from = next;
  } while (from !== undefined);
}

/** In one run with the slice. */
function miscounted(
  inspection: Inspection,
  state: StateReader,
  items: readonly WalkedReference[],
): readonly FsckProblem[] {
  const problems: FsckProblem[] = [];
  let before: ContentId | undefined;
  for (const { content } of items) {
    if (before !== undefined && equalContentIds(before, content)) continue;
    before = content;
    const kept = referenceCount(state, content);
    const counted = countReferences(state, content, countedMax + 1);
    if (counted > countedMax || counted === kept) continue;
    const message = `Content ${contentIdText(content)} has ${counted} references, its record says ${kept}.`;
    problems.push(inspection.problem("reference-count", message, { content }));
  }
  return problems;
}

/** `home`: of all these references. */
async function* checkCopied(
  inspection: Inspection,
  shard: ShardReplica,
  home: ShardId,
  copied: readonly WalkedReference[],
): AsyncGenerator<FsckEvent, void, undefined> {
  const destination = inspection.parts.shards[home];
  if (destination === undefined) {
    for (const { content } of copied) {
      const message = `Content ${contentIdText(content)} is referred to from shard ${home}, which the cluster does not have.`;
      yield inspection.problem("reference-without-version", message, { content });
    }
    return;
  }
  const asked = copied.map(({ reference }) => reference);
  const statuses = await destination.ask(referenceStatusesQuestion, asked);
  const state = await shard.read();
  const abandoned = copied.filter(
    ({ content, reference }, i) => statuses[i] === "gone" && hasReference(state, content, reference),
  );
  for (const { content, reference } of abandoned)
    yield {
      kind: "note",
      note: "abandoned-reference",
      message: `Reference ${contentIdText(reference)} has no version: it will be dropped.`,
      content: contentIdText(content),
      bytes: 0,
    };
}

type Sought = { readonly kind: "own" | "held"; readonly reference: ContentId };

/** Looks for the versions of many references in one walk. */
class Search {
  readonly #inspection: Inspection;
  readonly #shard: ShardReplica;
  readonly #sought = new Map<string, Sought>();

  constructor(inspection: Inspection, shard: ShardReplica) {
    this.#inspection = inspection;
    this.#shard = shard;
  }

  get isFull(): boolean {
    return this.#sought.size >= soughtMax;
  }

  add(sought: Sought): void {
    this.#sought.set(contentIdText(sought.reference), sought);
  }

  async *run(): AsyncGenerator<FsckEvent, void, undefined> {
    let from: Uint8Array | undefined;
    do {
      if (this.#sought.size === 0) return;
      await this.#inspection.pause();
      const { items, next } = walkFiles(this.#shard.localState, { from, limit: filesPerSlice });
      for (const { version } of items)
        if (version.body.kind === "content") this.#sought.delete(contentIdText(version.body.reference));
      yield this.#inspection.progress("references");
      from = next;
    } while (from !== undefined);
    const state = await this.#shard.read();
    const missing = [...this.#sought.values()].filter((sought) => stands(state, sought));
    this.#sought.clear();
    for (const { reference } of missing) {
      const message = `Reference ${contentIdText(reference)} of shard ${this.#shard.id} belongs to no file: the content it refers to never dies.`;
      yield this.#inspection.problem("reference-without-version", message, { content: reference });
    }
  }
}

function stands(state: StateReader, { kind, reference }: Sought): boolean {
  return kind === "own" ? hasReference(state, reference, reference) : isReferenceHeld(state, reference);
}
