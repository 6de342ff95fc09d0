import type { GroupId, ShardId } from "@holdfast/base";
import { groupId } from "@holdfast/base";

export { systemGroup } from "@holdfast/shard";

export function shardGroup(shard: ShardId): GroupId {
  return groupId(shard + 1);
}
