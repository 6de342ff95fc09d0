/** Bytes of commands, results and records: logs and states written once must be readable for ever. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Codec } from "@holdfast/base";
import {
  attempt,
  bucketId,
  decode,
  encode,
  epoch,
  fromHex,
  groupId,
  logIndex,
  nodeId,
  shardId,
  toHex,
  writerId,
} from "@holdfast/base";
import { partitionId } from "@holdfast/ring";
import {
  bucket,
  completeUpload,
  createUpload,
  deleteFile,
  md5Of,
  part,
  putInline,
  putPart,
  putReferenced,
  putStreamed,
  settings,
} from "../test-support/shard-harness.ts";
import { golden } from "../testdata/golden.ts";
import { closedEpochsCodec } from "./cluster/closed-epochs.ts";
import {
  closedEpochsKey,
  completedSlotsKey,
  foundingKey,
  groupKey,
  layoutChangeKey,
  layoutKey,
  nodeKey,
  tokenKey,
  usedWidthsKey,
} from "./cluster/cluster-keys.ts";
import { completedSlotsCodec } from "./cluster/completed-slots.ts";
import { foundingFieldsCodec } from "./cluster/members.ts";
import { nodeRecordCodec } from "./cluster/node-record.ts";
import { groupRecordCodec } from "./cluster/replicas.ts";
import { joinTokenCodec } from "./cluster/tokens.ts";
import { usedWidthsCodec } from "./cluster/used-widths.ts";
import type { Operation, ShardCommand } from "./command.ts";
import { shardEntryCodec } from "./command.ts";
import type { ShardResult } from "./result.ts";
import { shardResultCodec } from "./result.ts";
import { closedEpochKey, lastWriterKey, resultKey, writerKey } from "./shard-keys.ts";
import type { SystemCommand } from "./system-command.ts";
import { systemEntryCodec } from "./system-command.ts";
import { writerRecordCodec } from "./writer-record.ts";

const writer = writerId(300);
const content = { home: shardId(2), writer, attempt: attempt(4) };
const progress = { floor: attempt(2), closed: [{ first: attempt(4), last: attempt(6) }] };
const condition = { ifMatch: { kind: "etags", etags: ["e1"] }, ifNoneMatch: { kind: "any" } } as const;
const streamed = part(writer, 7, {
  salts: [{ sequence: 0, salt: 3 }],
  checksum: { algorithm: "sha256", scope: "full", value: Uint8Array.of(1, 2) },
});

const operations: readonly Operation[] = [
  putInline("k", "text", condition),
  putStreamed("k", streamed),
  putReferenced("k", content),
  deleteFile("k", condition),
  createUpload("k"),
  putPart("k", 9, streamed),
  completeUpload("k", 9, [{ number: 1, md5: md5Of("a") }]),
  { kind: "abortUpload", bucket, key: "k", upload: 9 },
];

function operateOf(operation: Operation): ShardCommand {
  return { kind: "operate", writer, attempt: attempt(7), progress, operation };
}

const commands: readonly ShardCommand[] = [
  { kind: "openWriter", node: "n1", run: "r1" },
  { kind: "closeWriter", writer },
  { kind: "publishProgress", writer, progress },
  { kind: "installBucket", bucket, settings },
  { kind: "sealBucket", bucket },
  { kind: "unsealBucket", bucket },
  { kind: "removeBucket", bucket },
  { kind: "addReference", content, reference: content },
  { kind: "dropReferences", drops: [{ content, reference: content }] },
  { kind: "settleDrops", sequences: [1, 300] },
  { kind: "forgetContents", contents: [content] },
  ...operations.map(operateOf),
  { kind: "closeEpoch", epoch: epoch(300) },
  operateOf(putPart("k", 9, streamed, epoch(6))),
  operateOf(completeUpload("k", 9, [{ number: 1, md5: md5Of("a") }])),
];

/** Lines of entries that are read and not written any more: parts, and completions, as they were before parts had evidence. */
const entriesBefore: ReadonlySet<number> = new Set([16, 17]);

const results: readonly ShardResult[] = [
  { kind: "done" },
  { kind: "writerOpened", writer },
  { kind: "stored", version: logIndex(9), etag: "e", bytes: 5, modifiedAtMs: 1_700_000_000_000 },
  { kind: "deleted", existed: true },
  { kind: "uploadCreated", upload: 9 },
  { kind: "partStored", modifiedAtMs: 9 },
  { kind: "sealed", empty: false },
  {
    kind: "referenced",
    content: {
      id: content,
      bytes: 100_000,
      parts: [streamed],
      redundancy: settings.redundancy,
      evidenceEpoch: epoch(1),
      deadSinceMs: undefined,
    },
  },
  { kind: "refused", code: "ConditionFailed", subject: "e" },
  { kind: "writerClosed" },
  { kind: "removing" },
];

const node = {
  id: nodeId("0123456789abcdef"),
  zone: "z",
  weight: 2,
  addresses: { rpc: "r:1", http: "h:2", s3: "s:3" },
  logIncarnation: "l",
  volumeIncarnation: "v",
};

const systemCommands: readonly SystemCommand[] = [
  { kind: "createCluster", clusterId: "c", shardCount: 16 },
  { kind: "createBucket", name: "b", owner: "o", shardCount: 2, firstShard: 1, settings },
  { kind: "activateBucket", bucket: bucketId(3) },
  { kind: "beginBucketDelete", bucket: bucketId(3) },
  { kind: "finishBucketDelete", bucket: bucketId(3) },
  { kind: "cancelBucketDelete", bucket: bucketId(3) },
  { kind: "foundCluster", founding: { consensus: "multipaxos", partitionBits: 10 }, node },
  { kind: "issueToken", digest: Uint8Array.of(1, 2), lifetimeMs: 1000 },
  { kind: "revokeToken", digest: Uint8Array.of(1, 2) },
  { kind: "joinNode", token: Uint8Array.of(1, 2), node },
  {
    kind: "announceNode",
    node: node.id,
    life: { logIncarnation: "l", volumeIncarnation: "v" },
    addresses: node.addresses,
  },
  { kind: "changeNode", node: node.id, change: { zone: "z", weight: 3, draining: true } },
  { kind: "removeNode", node: node.id },
  { kind: "setLayout", layout: Uint8Array.of(9) },
  { kind: "assignReplica", group: groupId(4), node: node.id },
  { kind: "dropReplica", group: groupId(4), replica: 2 },
  { kind: "closeShards", epoch: epoch(300), shards: [shardId(0), shardId(7)] },
  {
    kind: "completeSlots",
    node: node.id,
    width: 3,
    partitions: [partitionId(0), partitionId(1000)],
    change: epoch(300),
  },
  { kind: "revertLayout", change: epoch(300) },
  {
    kind: "rejoinNode",
    token: Uint8Array.of(1, 2),
    node: node.id,
    life: { logIncarnation: "l", volumeIncarnation: "v" },
    addresses: node.addresses,
  },
];

const record = {
  node: "n1",
  run: "r1",
  openedAtMs: 5,
  lastSeenMs: 9,
  floor: attempt(2),
  closed: progress.closed,
  answered: [
    { first: attempt(3), last: attempt(3) },
    { first: attempt(7), last: attempt(300) },
  ],
};

function check<T>(
  name: string,
  codec: Codec<T>,
  values: readonly T[],
  before: ReadonlySet<number> = new Set(),
): void {
  const isToday = (_: unknown, line: number): boolean => !before.has(line);
  assert.deepEqual(
    values.filter(isToday).map((value) => toHex(encode(codec, value))),
    golden[name]?.filter(isToday),
  );
  const read = (golden[name] ?? []).map((hex) => decode(codec, fromHex(hex) ?? new Uint8Array(0)));
  assert.deepEqual(read, values);
}

describe("golden bytes", () => {
  it("of a shard's entries", () => {
    check(
      "entries",
      shardEntryCodec,
      commands.map((command) => ({ timeMs: 1_700_000_000_000, command })),
      entriesBefore,
    );
  });

  it("of results", () => check("results", shardResultCodec, results));

  it("of the system group's entries", () => {
    check(
      "systemEntries",
      systemEntryCodec,
      systemCommands.map((command) => ({ timeMs: 5, command })),
    );
  });

  it("of nodes", () => check("nodes", nodeRecordCodec, [{ ...node, draining: true, joinedAtMs: 7 }]));

  it("of what a cluster was founded with", () =>
    check("foundings", foundingFieldsCodec, [{ consensus: "raft", partitionBits: 10 }]));

  it("of tokens", () =>
    check("tokens", joinTokenCodec, [
      { expiresAtMs: 300, usedBy: undefined },
      { expiresAtMs: 300, usedBy: node.id },
    ]));

  it("of groups", () =>
    check("groups", groupRecordCodec, [
      {
        group: groupId(4),
        nextReplica: 3,
        places: [{ replica: 2, node: node.id, incarnation: "l" }],
      },
    ]));

  it("of what a layout change is waiting for", () => {
    check("closedEpochs", closedEpochsCodec, [[epoch(0), epoch(300)]]);
    check("completedSlots", completedSlotsCodec, [
      { change: epoch(300), partitions: Uint8Array.of(0x81, 0) },
    ]);
  });

  it("of the widths in use", () => check("usedWidths", usedWidthsCodec, [[1, 3]]));

  it("of writers", () => check("writers", writerRecordCodec, [record]));

  it("of keys", () => {
    const keys = [
      writerKey(writer),
      resultKey(writer, attempt(7)),
      lastWriterKey,
      foundingKey,
      nodeKey(node.id),
      tokenKey(Uint8Array.of(1, 2)),
      layoutKey,
      groupKey(groupId(4)),
      closedEpochKey,
      layoutChangeKey,
      completedSlotsKey(node.id, 3),
      closedEpochsKey,
      usedWidthsKey,
    ];
    assert.deepEqual(
      keys.map((key) => toHex(key)),
      golden["keys"],
    );
  });
});
