/** Contents do not know what they are called: one walk over all files finds the names for many of them. */

import type { BucketId } from "@holdfast/base";
import { contentIdText } from "@holdfast/base";
import { findBucketById, walkFiles } from "@holdfast/namespace";
import type { StateReader } from "@holdfast/ports";
import type { ShardReplica } from "../shard-replica.ts";
import type { FsckEvent, FsckProblem } from "./findings.ts";
import type { Inspection } from "./inspection.ts";

const filesPerSlice = 100;
/** Of one content. */
const namesMax = 10;

export interface NamedStores {
  readonly shards: readonly ShardReplica[];
  readonly system: StateReader;
}

/** Looks for the files that name each of the contents given, slice by slice; memory is bounded by the contents. */
export class NameSearch {
  readonly #stores: NamedStores;
  readonly #contents: ReadonlySet<string>;
  readonly #names = new Map<string, string[]>();
  #shard = 0;
  #from: Uint8Array | undefined;

  constructor(stores: NamedStores, contents: Iterable<string>) {
    this.#stores = stores;
    this.#contents = new Set(contents);
  }

  /** One slice more, in one synchronous run; false when all files were seen. */
  step(): boolean {
    const shard = this.#stores.shards[this.#shard];
    if (shard === undefined) return false;
    const { items, next } = walkFiles(shard.localState, { from: this.#from, limit: filesPerSlice });
    for (const { bucket, version } of items) {
      if (version.body.kind === "inline") continue;
      const content = contentIdText(version.body.content);
      if (this.#contents.has(content)) this.#add(content, fileName(this.#stores.system, bucket, version.key));
    }
    this.#from = next;
    if (next === undefined) this.#shard++;
    return true;
  }

  /** As `bucket/key`; of a content that many files share, some. */
  namesOf(content: string): readonly string[] {
    return this.#names.get(content) ?? [];
  }

  #add(content: string, name: string): void {
    const known = this.#names.get(content);
    if (known === undefined) this.#names.set(content, [name]);
    else if (known.length < namesMax) known.push(name);
  }
}

export async function* nameFiles(
  inspection: Inspection,
  problems: readonly FsckProblem[],
): AsyncGenerator<FsckEvent, void, undefined> {
  const search = new NameSearch(
    inspection.parts,
    problems.flatMap(({ content }) => content ?? []),
  );
  while (search.step()) {
    await inspection.pause();
    yield inspection.progress("contents");
  }
  for (const problem of problems) yield { ...problem, files: search.namesOf(problem.content ?? "") };
}

export function fileName(system: StateReader, bucket: BucketId, key: string): string {
  return `${findBucketById(system, bucket)?.name ?? `bucket ${bucket}`}/${key}`;
}
