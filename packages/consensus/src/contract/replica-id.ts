import type { Brand } from "@holdfast/base";

/**
 * A member of a group: one node under one log incarnation, numbered by the cluster from 1 on and never reused. A node
 * that lost its log comes back under a new number (S11), so that nothing it once promised is expected of it.
 */
export type ReplicaId = Brand<number, "ReplicaId">;

export const replicaId = (value: number): ReplicaId => value as ReplicaId;
