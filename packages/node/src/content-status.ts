/** What a content's home shard says of it, for those who move its blocks (S3, S7). */

import type { ShardId } from "@holdfast/base";
import type { ContentStatusOf } from "./cluster/layout-ports.ts";
import { contentStatusQuestion } from "./shard-reads/content-questions.ts";
import type { ShardReads } from "./shard-reads/shard-question.ts";

/** By linearizable read in the home shard, wherever that is. */
export function contentStatusIn(shard: (id: ShardId) => ShardReads): ContentStatusOf {
  return async (content) => (await shard(content.home).ask(contentStatusQuestion, content)).status;
}
