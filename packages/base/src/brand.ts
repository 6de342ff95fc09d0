/** Branded primitives: two numbers of different meaning cannot be swapped. Brands exist at compile time only. */

declare const brand: unique symbol;

export type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** A consensus group: 0 is the system group, 1 to N are the shards (shard i is group i + 1). */
export type GroupId = Brand<number, "GroupId">;
/** Position of an entry in its group's log, from 1; 0 means "before the first". */
export type LogIndex = Brand<number, "LogIndex">;
/** Raft's term, Paxos' ballot number. */
export type Ballot = Brand<number, "Ballot">;
/** One process with one data directory: 16 lower-case hexadecimal digits, drawn at random when the directory is made. */
export type NodeId = Brand<string, "NodeId">;
/** A slice of the namespace, from 0. */
export type ShardId = Brand<number, "ShardId">;
/** The log index of the system entry that created the bucket; never reused. */
export type BucketId = Brand<number, "BucketId">;
/** The log index of the OpenWriter entry (SAFETY.md, "writer"). */
export type WriterId = Brand<number, "WriterId">;
/** A writer's numbered try, from 0. */
export type Attempt = Brand<number, "Attempt">;
/** Version of the layout; nothing else is called epoch. */
export type Epoch = Brand<number, "Epoch">;

export const groupId = (value: number): GroupId => value as GroupId;
export const logIndex = (value: number): LogIndex => value as LogIndex;
export const ballot = (value: number): Ballot => value as Ballot;
export const nodeId = (value: string): NodeId => value as NodeId;
export const shardId = (value: number): ShardId => value as ShardId;
export const bucketId = (value: number): BucketId => value as BucketId;
export const writerId = (value: number): WriterId => value as WriterId;
export const attempt = (value: number): Attempt => value as Attempt;
export const epoch = (value: number): Epoch => value as Epoch;
