/** What a content's home shard says of it, for those who move its blocks (S3, S7). */

import type { ContentId, ShardId } from "@holdfast/base";
import type { Content, Redundancy } from "@holdfast/namespace";
import { findContent, findStream } from "@holdfast/namespace";
import type { StateReader } from "@holdfast/ports";
import { streamStatus } from "@holdfast/shard";
import type { ContentStatus, ContentStatusOf } from "./cluster/layout-ports.ts";
import type { ShardReplica } from "./shard-replica.ts";

/** By linearizable read in the home shard. */
export function contentStatusIn(shard: (id: ShardId) => ShardReplica): ContentStatusOf {
  return async (content) => statusIn(await shard(content.home).read(), content);
}

function statusIn(state: StateReader, { writer, attempt }: ContentId): ContentStatus {
  const stream = findStream(state, writer, attempt);
  switch (stream?.kind) {
    case undefined:
      return streamStatus(state, writer, attempt) === "open" ? "open" : "gone";
    case "uploadPart":
      return ofRedundancy(stream.redundancy);
    case "content":
      return ofContent(stream.content);
    case "absorbed":
      return ofContent(findContent(state, stream.into));
  }
}

function ofContent(content: Content | undefined): ContentStatus {
  return content === undefined || content.deadSinceMs !== undefined
    ? "gone"
    : ofRedundancy(content.redundancy);
}

function ofRedundancy({ dataFragments, parityFragments }: Redundancy): ContentStatus {
  return { width: dataFragments + parityFragments };
}
