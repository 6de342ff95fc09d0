import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { suite, test } from "node:test";
import { crc32 } from "node:zlib";
import { utf8, utf8Text } from "@holdfast/base";
import { storeOf } from "./connect.ts";
import type { Store } from "./store.ts";
import type { TransportRequest } from "./transport.ts";

/** A store that gets this one answer to everything. */
function answering(document: unknown): { readonly store: Store; readonly asked: TransportRequest[] } {
  const asked: TransportRequest[] = [];
  async function* body(): AsyncGenerator<Uint8Array> {
    yield utf8(JSON.stringify(document));
  }
  const platform = {
    transport: {
      send: (request: TransportRequest) => {
        asked.push(request);
        return Promise.resolve({ status: 200, headers: {}, body: body(), cancel: () => undefined });
      },
      close: () => undefined,
    },
    sha256: (data: Uint8Array) => createHash("sha256").update(data).digest(),
    crc32: (data: Uint8Array, seed: number) => crc32(data, seed),
    wallMs: () => 0,
    sleep: () => Promise.resolve(),
    random: () => 0,
    localFiles: undefined,
  };
  const options = { endpoint: "http://127.0.0.1:9001", accessKey: "a", secretKey: "s", retryMs: 0 };
  return { store: storeOf(options, platform), asked };
}

function bodyOf({ body }: TransportRequest): unknown {
  return body?.kind === "bytes" ? JSON.parse(utf8Text(body.data)) : undefined;
}

const addresses = { rpc: "h:2", http: "h:1", s3: "h:0" };
const member = { id: "aa", zone: "z", weight: 1, draining: true, addresses };
const node = { ...member, state: "down", isMember: true, slots: 3, shardReplicas: 1, owedPartitions: 2 };
const group = { leader: "aa", voters: ["aa"], learners: [], applied: 4 };
const partitions = { stable: 1, joint: 2, change: 6, unclosedShards: [0], incomplete: 1 };
const cluster = {
  clusterId: "c",
  nodeId: "aa",
  consensus: "raft",
  epoch: 7,
  nodes: [node],
  system: group,
  shards: [
    { shard: 0, ...group },
    { shard: 1, voters: [], learners: [] },
  ],
  partitions,
  repairQueue: 3,
};

suite("client: the cluster", () => {
  test("is taken as it is told, and what is missing there is undefined here", async () => {
    const { store, asked } = answering(cluster);
    assert.deepEqual(await store.cluster(), {
      ...cluster,
      shards: [
        cluster.shards[0],
        { shard: 1, leader: undefined, voters: [], learners: [], applied: undefined },
      ],
    });
    assert.deepEqual([asked[0]?.method, asked[0]?.target], ["GET", "/api/v1/cluster"]);
    const stable = { stable: 3, joint: 0, unclosedShards: [], incomplete: 0 };
    const quiet = await answering({ ...cluster, partitions: stable }).store.cluster();
    assert.equal(quiet.partitions.change, undefined);
  });

  test("an answer of something else is refused, whatever is wrong in it", async () => {
    for (const wrong of [
      {},
      { ...cluster, clusterId: 1 },
      { ...cluster, nodes: {} },
      { ...cluster, nodes: [{ ...node, state: "asleep" }] },
      { ...cluster, nodes: [{ ...node, addresses: undefined }] },
      { ...cluster, system: { ...group, leader: 5 } },
      { ...cluster, system: { ...group, voters: [1] } },
      { ...cluster, shards: [group] },
      { ...cluster, partitions: { ...partitions, change: "6" } },
      { ...cluster, partitions: { ...partitions, unclosedShards: ["0"] } },
      { ...cluster, repairQueue: undefined },
    ])
      await assert.rejects(answering(wrong).store.cluster(), { code: "Internal" }, JSON.stringify(wrong));
  });

  test("changes go to the address of their node, and say what was said and no more", async () => {
    const { store, asked } = answering({
      ...member,
      existed: true,
      reverted: false,
      token: "t",
      expiresAtMs: 5,
    });
    assert.deepEqual(await store.changeNode("aa", { draining: true }), member);
    assert.deepEqual(await store.removeNode("../b"), { existed: true });
    assert.deepEqual(await store.revertLayout(6), { reverted: false });
    assert.deepEqual(await store.issueJoinToken({ lifetimeMs: 1000 }), { token: "t", expiresAtMs: 5 });
    await store.issueJoinToken();
    assert.deepEqual(
      asked.map((request) => [request.method, request.target, bodyOf(request)]),
      [
        ["PATCH", "/api/v1/cluster/nodes/aa", { draining: true }],
        ["DELETE", "/api/v1/cluster/nodes/..%2Fb", undefined],
        ["POST", "/api/v1/cluster/layout/revert", { change: 6 }],
        ["POST", "/api/v1/cluster/tokens", { lifetimeMs: 1000 }],
        ["POST", "/api/v1/cluster/tokens", {}],
      ],
    );
    const { store: other } = answering({});
    await assert.rejects(other.removeNode("aa"), { code: "Internal" });
    await assert.rejects(other.revertLayout(6), { code: "Internal" });
    await assert.rejects(other.changeNode("aa", {}), { code: "Internal" });
    await assert.rejects(other.issueJoinToken(), { code: "Internal" });
  });
});
