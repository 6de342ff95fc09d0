import type { GroupId, ShardId } from "@holdfast/base";
import { groupId } from "@holdfast/base";

export const systemGroup: GroupId = groupId(0);

export function shardGroup(shard: ShardId): GroupId {
  return groupId(shard + 1);
}
