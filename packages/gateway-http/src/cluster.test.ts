import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { nodeId, StoreError } from "@holdfast/base";
import type { ClusterStatus, NodeStanding } from "@holdfast/node";
import { gatewayOver, nowMs } from "./gateway-fixture.test.ts";

const a = nodeId("a".repeat(16));
const b = nodeId("b".repeat(16));
const addresses = { rpc: "h:2", http: "h:1", s3: "h:0" };

function node(id: NodeStanding["id"], state: "up" | "down"): NodeStanding {
  const uses = { isMember: true, slots: 3, shardReplicas: 1, owedPartitions: 0 };
  return { id, zone: "z", weight: 1, state, draining: false, addresses, ...uses };
}

const standing: ClusterStatus = {
  consensus: "multipaxos",
  epoch: 7,
  nodes: [node(a, "up"), node(b, "down")],
  system: { leader: a, voters: [a], learners: [b], appliedIndex: 12 },
  shards: [
    { leader: a, voters: [a], learners: [], appliedIndex: 5 },
    { leader: undefined, voters: [b], learners: [], appliedIndex: undefined },
  ],
  partitions: { stable: 1000, joint: 24, change: 6, unclosedShards: [1], incomplete: 2 },
  incompleteBlocks: 9,
};

const changed = {
  id: a,
  zone: "z",
  weight: 2,
  draining: true,
  addresses,
  logIncarnation: "secret-log",
  volumeIncarnation: "secret-volumes",
  joinedAtMs: 1,
};

suite("native API: the cluster", () => {
  test("anybody with a key sees nodes, groups and layout, under the names that scripts rely on", async () => {
    const answer = await gatewayOver({}, false, { standing }).send({ path: "/api/v1/cluster" });
    assert.equal(answer.status, 200);
    const { nodes, ...rest } = JSON.parse(answer.text);
    assert.deepEqual(nodes, JSON.parse(JSON.stringify(standing.nodes)));
    assert.deepEqual(rest, {
      clusterId: "c",
      nodeId: "n",
      consensus: "multipaxos",
      epoch: 7,
      system: { leader: a, voters: [a], learners: [b], applied: 12 },
      shards: [
        { shard: 0, leader: a, voters: [a], learners: [], applied: 5 },
        { shard: 1, voters: [b], learners: [] },
      ],
      partitions: { stable: 1000, joint: 24, change: 6, unclosedShards: [1], incomplete: 2 },
      repairQueue: 9,
    });
  });

  test("a token lives as long as it is asked to, an hour unless said, and is kept by no cache", async () => {
    const lifetimes: number[] = [];
    const issue = (lifetimeMs: number) => {
      lifetimes.push(lifetimeMs);
      return Promise.resolve({ token: "t", expiresAtMs: nowMs + lifetimeMs });
    };
    const gateway = gatewayOver({}, true, { account: "root", tokens: { issue } });
    const path = "/api/v1/cluster/tokens";
    const answer = await gateway.send({ method: "POST", path });
    assert.deepEqual([answer.status, answer.headers["cache-control"]], [201, "no-store"]);
    assert.deepEqual(JSON.parse(answer.text), { token: "t", expiresAtMs: nowMs + 3_600_000 });
    await gateway.send({ method: "POST", path, body: '{"lifetimeMs":60000}' });
    assert.deepEqual(lifetimes, [3_600_000, 60_000]);
    const wrong = [
      { lifetimeMs: 999 },
      { lifetimeMs: 604_800_001 },
      { lifetimeMs: 1500.5 },
      { lifetimeMs: "1h" },
    ];
    for (const document of [...wrong, { lifetime: 60_000 }]) {
      const body = JSON.stringify(document);
      assert.equal((await gateway.send({ method: "POST", path, body })).code, "InvalidRequest", body);
    }
    assert.equal(lifetimes.length, 2);
  });

  test("a node that listens for no others says how to start it", async () => {
    const gateway = gatewayOver({}, true, { account: "root" });
    const answer = await gateway.send({ method: "POST", path: "/api/v1/cluster/tokens" });
    assert.deepEqual([answer.status, answer.code], [501, "NotImplemented"]);
    assert.match(answer.text, /--rpc HOST:PORT/);
  });

  test("a node is changed in what is said and in nothing else, and its incarnations stay inside", async () => {
    const asked: unknown[] = [];
    const changeNode = (id: string, change: object) => {
      asked.push([id, change]);
      return Promise.resolve(changed);
    };
    const gateway = gatewayOver({}, true, { account: "root", cluster: { changeNode } });
    const path = `/api/v1/cluster/nodes/${a}`;
    const answer = await gateway.send({ method: "PATCH", path, body: '{"draining":true}' });
    assert.deepEqual(JSON.parse(answer.text), { id: a, zone: "z", weight: 2, draining: true, addresses });
    await gateway.send({ method: "PATCH", path, body: '{"zone":"y","weight":2}' });
    assert.deepEqual(asked, [
      [a, { draining: true }],
      [a, { zone: "y", weight: 2 }],
    ]);
    for (const body of ['{"drain":true}', '{"draining":1}', '{"zone":1}', '{"weight":"2"}', "[]"])
      assert.equal((await gateway.send({ method: "PATCH", path, body })).code, "InvalidRequest", body);
    assert.equal(asked.length, 2);
  });

  test("a removal says whether there was such a node, and what still names it", async () => {
    const removeNode = (id: string): Promise<boolean> =>
      id === b ? Promise.reject(new StoreError("NodeInUse", "3 slots")) : Promise.resolve(id === a);
    const gateway = gatewayOver({}, true, { account: "root", cluster: { removeNode } });
    const remove = (id: string) => gateway.send({ method: "DELETE", path: `/api/v1/cluster/nodes/${id}` });
    assert.deepEqual(JSON.parse((await remove(a)).text), { existed: true });
    assert.deepEqual(JSON.parse((await remove("none")).text), { existed: false });
    const refused = await remove(b);
    assert.deepEqual([refused.status, refused.code], [409, "NodeInUse"]);
  });

  test("a layout change is taken back by its own name alone", async () => {
    const asked: number[] = [];
    const revertLayout = (change: number): Promise<boolean> => {
      asked.push(change);
      return Promise.resolve(true);
    };
    const gateway = gatewayOver({}, true, { account: "root", cluster: { revertLayout } });
    const path = "/api/v1/cluster/layout/revert";
    const answer = await gateway.send({ method: "POST", path, body: '{"change":6}' });
    assert.deepEqual(JSON.parse(answer.text), { reverted: true });
    for (const body of [undefined, "{}", '{"change":0}', '{"change":"6"}', '{"change":6,"force":true}'])
      assert.equal(
        (await gateway.send({ method: "POST", path, ...(body === undefined ? {} : { body }) })).code,
        "InvalidRequest",
        body,
      );
    assert.deepEqual(asked, [6]);
  });

  test("whatever changes the cluster asks for the root key", async () => {
    const issue = () => assert.fail("unexpected call of issue");
    const others = gatewayOver({}, true, { tokens: { issue } });
    for (const [method, path, body] of [
      ["POST", "/api/v1/cluster/tokens", "{}"],
      ["PATCH", `/api/v1/cluster/nodes/${a}`, '{"weight":2}'],
      ["DELETE", `/api/v1/cluster/nodes/${a}`, ""],
      ["POST", "/api/v1/cluster/layout/revert", '{"change":6}'],
    ] as const)
      assert.equal((await others.send({ method, path, body })).code, "AccessDenied", path);
  });
});
