import type { BucketId, Codec, Epoch, ErrorCode, GroupId, NodeId, ShardId } from "@holdfast/base";
import {
  boolean,
  branded,
  byteString,
  integer,
  list,
  record,
  text,
  union,
  variant,
  versioned,
} from "@holdfast/base";
import type { Bucket, BucketSettings } from "@holdfast/namespace";
import { bucketSettingsCodec } from "@holdfast/namespace";
import type { PartitionId } from "@holdfast/ring";
import type { SlotReport } from "./cluster/completed-slots.ts";
import type { Founding } from "./cluster/members.ts";
import { foundingFieldsCodec } from "./cluster/members.ts";
import type { NewNode, NodeAddresses, NodeLife, NodeRecord } from "./cluster/node-record.ts";
import { newNodeCodec, nodeAddressesCodec, nodeIdCodec, nodeLifeCodec } from "./cluster/node-record.ts";
import type { NodeChange } from "./cluster/nodes.ts";
import type { ReplicaPlace } from "./cluster/replicas.ts";

/** What one entry of the system group's log can say. */
export type SystemCommand =
  /** First entry of a cluster; a second one is refused. */
  | { readonly kind: "createCluster"; readonly clusterId: string; readonly shardCount: number }
  | {
      readonly kind: "createBucket";
      readonly name: string;
      readonly owner: string;
      readonly shardCount: number;
      readonly firstShard: number;
      readonly settings: BucketSettings;
    }
  /** Every shard of the bucket has it now. */
  | { readonly kind: "activateBucket"; readonly bucket: BucketId }
  /** Marks it; sealing the shards follows (S17). */
  | { readonly kind: "beginBucketDelete"; readonly bucket: BucketId }
  /** All shards were sealed and empty: the bucket and its name are gone. */
  | { readonly kind: "finishBucketDelete"; readonly bucket: BucketId }
  /** A shard was not empty: back to active. */
  | { readonly kind: "cancelBucketDelete"; readonly bucket: BucketId }
  | ClusterCommand;

/** Of nodes, tokens, the layout and the groups' replicas. */
export type ClusterCommand =
  /** The first node's, behind `createCluster`. */
  | { readonly kind: "foundCluster"; readonly founding: Founding; readonly node: NewNode }
  /** `digest`: SHA-256 of the token. */
  | { readonly kind: "issueToken"; readonly digest: Uint8Array; readonly lifetimeMs: number }
  | { readonly kind: "revokeToken"; readonly digest: Uint8Array }
  | { readonly kind: "joinNode"; readonly token: Uint8Array; readonly node: NewNode }
  /** Its log was lost, and it has made another one (S11). */
  | {
      readonly kind: "rejoinNode";
      readonly token: Uint8Array;
      readonly node: NodeId;
      readonly life: NodeLife;
      readonly addresses: NodeAddresses;
    }
  /** At each start of a node. */
  | {
      readonly kind: "announceNode";
      readonly node: NodeId;
      readonly life: NodeLife;
      readonly addresses: NodeAddresses;
    }
  | { readonly kind: "changeNode"; readonly node: NodeId; readonly change: NodeChange }
  | { readonly kind: "removeNode"; readonly node: NodeId }
  /** `layout`: of package ring, as it writes them. */
  | { readonly kind: "setLayout"; readonly layout: Uint8Array }
  | { readonly kind: "assignReplica"; readonly group: GroupId; readonly node: NodeId }
  | { readonly kind: "dropReplica"; readonly group: GroupId; readonly replica: number }
  /** These shards have applied `CloseEpoch(epoch)` (S3). */
  | { readonly kind: "closeShards"; readonly epoch: Epoch; readonly shards: readonly ShardId[] }
  /** A new owner has everything that belongs into these slots. */
  | ({ readonly kind: "completeSlots" } & SlotReport)
  /** The layout change that began with this epoch is taken back. */
  | { readonly kind: "revertLayout"; readonly change: Epoch };

export interface SystemEntry {
  readonly timeMs: number;
  readonly command: SystemCommand;
}

const bucketOnly = record({ bucket: branded<BucketId>() });

export const systemEntryCodec: Codec<SystemEntry> = versioned(
  1,
  record({
    timeMs: integer,
    command: union({
      createCluster: variant(1, record({ clusterId: text, shardCount: integer })),
      createBucket: variant(
        2,
        record({
          name: text,
          owner: text,
          shardCount: integer,
          firstShard: integer,
          settings: bucketSettingsCodec,
        }),
      ),
      activateBucket: variant(3, bucketOnly),
      beginBucketDelete: variant(4, bucketOnly),
      finishBucketDelete: variant(5, bucketOnly),
      cancelBucketDelete: variant(6, bucketOnly),
      foundCluster: variant(7, record({ founding: foundingFieldsCodec, node: newNodeCodec })),
      issueToken: variant(8, record({ digest: byteString, lifetimeMs: integer })),
      revokeToken: variant(9, record({ digest: byteString })),
      joinNode: variant(10, record({ token: byteString, node: newNodeCodec })),
      announceNode: variant(
        11,
        record({ node: nodeIdCodec, life: nodeLifeCodec, addresses: nodeAddressesCodec }),
      ),
      changeNode: variant(
        12,
        record({ node: nodeIdCodec, change: record({ zone: text, weight: integer, draining: boolean }) }),
      ),
      removeNode: variant(13, record({ node: nodeIdCodec })),
      setLayout: variant(14, record({ layout: byteString })),
      assignReplica: variant(15, record({ group: branded<GroupId>(), node: nodeIdCodec })),
      dropReplica: variant(16, record({ group: branded<GroupId>(), replica: integer })),
      closeShards: variant(17, record({ epoch: branded<Epoch>(), shards: list(branded<ShardId>()) })),
      completeSlots: variant(
        18,
        record({
          node: nodeIdCodec,
          width: integer,
          partitions: list(branded<PartitionId>()),
          change: branded<Epoch>(),
        }),
      ),
      revertLayout: variant(19, record({ change: branded<Epoch>() })),
      rejoinNode: variant(
        20,
        record({ token: byteString, node: nodeIdCodec, life: nodeLifeCodec, addresses: nodeAddressesCodec }),
      ),
    }),
  }),
);

export type SystemResult =
  | { readonly kind: "done" }
  | { readonly kind: "bucket"; readonly bucket: Bucket }
  | { readonly kind: "node"; readonly node: NodeRecord }
  | { readonly kind: "replica"; readonly place: ReplicaPlace }
  /** `subject` says what was wrong with, where the code does not say it all. */
  | { readonly kind: "refused"; readonly code: ErrorCode; readonly subject: string };
