/** Contents do not know what they are called: one walk over all files finds the names for many of them. */

import type { BucketId } from "@holdfast/base";
import { contentIdText } from "@holdfast/base";
import { findBucketById, walkFiles } from "@holdfast/namespace";
import type { StateReader } from "@holdfast/ports";
import type { ShardReplica } from "../shard-replica.ts";
import type { FsckProblem } from "./findings.ts";
import type { Inspection } from "./inspection.ts";

const filesPerSlice = 500;
/** Of one content. */
const namesMax = 10;

export interface NamedStores {
  readonly shards: readonly ShardReplica[];
  readonly system: StateReader;
}

/** The files, as `bucket/key`, that name each of the contents; memory is bounded by the contents given. */
export async function findNames(
  { shards, system }: NamedStores,
  contents: ReadonlySet<string>,
  pause: () => Promise<void>,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const names = new Map<string, string[]>();
  for (const shard of shards) {
    let from: Uint8Array | undefined;
    do {
      await pause();
      const { items, next } = walkFiles(shard.localState, { from, limit: filesPerSlice });
      for (const { bucket, version } of items) {
        if (version.body.kind === "inline") continue;
        const content = contentIdText(version.body.content);
        if (!contents.has(content)) continue;
        const known = names.get(content) ?? [];
        if (known.length < namesMax) known.push(fileName(system, bucket, version.key));
        names.set(content, known);
      }
      from = next;
    } while (from !== undefined);
  }
  return names;
}

export async function nameFiles(
  inspection: Inspection,
  problems: readonly FsckProblem[],
): Promise<readonly FsckProblem[]> {
  const contents = new Set(problems.map(({ content }) => content ?? ""));
  const names = await findNames(inspection.parts, contents, () => inspection.pause());
  return problems.map((problem) => ({ ...problem, files: names.get(problem.content ?? "") ?? [] }));
}

export function fileName(system: StateReader, bucket: BucketId, key: string): string {
  return `${findBucketById(system, bucket)?.name ?? `bucket ${bucket}`}/${key}`;
}
