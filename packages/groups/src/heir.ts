import type { ConsensusStatus, FollowerStatus, ReplicaId } from "@holdfast/consensus";

/** Who takes a group over from its leader soonest: the voter that has most of the log. Undefined elsewhere, and when none is heard of. */
export function heirOf(
  { role, membership }: ConsensusStatus,
  followers: readonly FollowerStatus[],
): ReplicaId | undefined {
  if (role !== "leader") return undefined;
  const [heir] = followers
    .filter(
      ({ id, mode, recentlyActive }) =>
        membership.voters.includes(id) && mode === "replicate" && recentlyActive,
    )
    .sort((a, b) => b.matchIndex - a.matchIndex);
  return heir?.id;
}
