import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { after, before, suite, test } from "node:test";
import { StoreError } from "@holdfast/client";
import type { HoldfastNode, NodeStatus } from "@holdfast/node";
import { Holdfast } from "holdfast";
import type { Finished } from "./cli-process.ts";
import { run } from "./cli-process.ts";
import { keys, nativeGateway } from "./native-gateway.ts";

suite("command line: the cluster of one real node", () => {
  let holdfast: Holdfast;
  before(async () => {
    holdfast = await Holdfast.start({ ephemeral: true });
  });
  after(() => holdfast.stop());

  const cli = (...args: readonly string[]): Promise<Finished> =>
    run(["cluster", ...args], { endpoint: holdfast.endpoint });

  test("status shows the node with what it holds and leads, and says that all is well", async () => {
    const { code, stdout, stderr } = await cli("status");
    assert.deepEqual([code, stderr], [0, ""]);
    assert.match(stdout, /^cluster \S+ {2}- {2}raft {2}- {2}layout 1 {2}- {2}seen from node [0-9a-f]{16}\n/);
    assert.match(stdout, /\n[0-9a-f]{16} {2}default {2}1 +up +1024 +16 +16 +127\.0\.0\.1:\d+ /);
    assert.match(stdout, /\nshards +16 of 16 have a leader\n/);
    assert.match(stdout, /\nall is well\n$/);
  });

  test("status as JSON has the names that scripts rely on", async () => {
    const status = JSON.parse((await cli("status", "--json")).stdout);
    const [node] = status.nodes;
    assert.deepEqual([node.state, node.zone, node.weight, status.nodeId], ["up", "default", 1, node.id]);
    assert.equal(status.epoch, 1);
    assert.ok(status.clusterId.length > 0);
    assert.equal(status.shards.length, 16);
    for (const { leader, voters, learners, applied } of status.shards) {
      assert.deepEqual([leader, voters, learners], [node.id, [node.id], []]);
      assert.ok(applied > 0);
    }
    const { stable, joint, incomplete } = status.partitions;
    assert.deepEqual([stable, joint, incomplete, status.repairQueue], [1024, 0, 0, 0]);
    assert.deepEqual([status.healthy, status.findings], [true, []]);
  });

  test("set changes zone and weight, which status then shows", async () => {
    const { nodeId } = JSON.parse((await cli("status", "--json")).stdout);
    const set = await cli("set", nodeId.slice(0, 6), "--zone", "rack-2", "--weight", "3");
    assert.deepEqual([set.code, set.stdout], [0, `node ${nodeId} changed (zone rack-2, weight 3)\n`]);
    assert.match((await cli("status")).stdout, /\n[0-9a-f]{16} {2}rack-2 {2}3 +up /);
    const json = await cli("set", nodeId, "--weight", "1", "--json");
    assert.partialDeepStrictEqual(JSON.parse(json.stdout), { id: nodeId, zone: "rack-2", weight: 1 });
    assert.equal(json.stderr, "");
  });

  test("what cannot be is refused with the reason and the next step", async () => {
    const { nodeId } = JSON.parse((await cli("status", "--json")).stdout);
    for (const [args, code, message] of [
      [["drain", nodeId], 1, /InvalidRequest: A cluster needs 1 node .*there would be 0/],
      [["remove", nodeId], 1, /NodeInUse: Node [0-9a-f]{16} holds 1024 slots.*\n {2}next: .*cluster drain/],
      [["drain", "zz"], 1, /NodeNotFound: the cluster has no node zz\n {2}next: .*cluster status/],
      [["token"], 1, /NotImplemented: .*--rpc HOST:PORT/],
      [["token", "--lifetime", "soon"], 2, /--lifetime: "soon" is no duration/],
      [["set", nodeId], 2, /--zone NAME, --weight NUMBER/],
      [["set", nodeId, "--weight", "0"], 2, /--weight: "0" is no whole number from 1 to 1000/],
      [["set", nodeId, "--zone", "a b"], 1, /InvalidRequest: A zone has/],
      [["drain"], 2, /missing required argument/],
    ] as const) {
      const refused = await cli(...args);
      assert.equal(refused.code, code, args.join(" "));
      assert.match(refused.stderr, message);
      assert.equal(refused.stdout, "");
    }
    const { code, stdout } = await cli("layout", "revert");
    assert.deepEqual([code, stdout], [0, "no layout change is under way\n"]);
  });

  test("holdfast status still shows the node itself", async () => {
    const { code, stdout } = await run(["status"], { endpoint: holdfast.endpoint });
    assert.equal(code, 0);
    for (const row of ["state       ready", "checkpoint", "disk", "scrub", "version"])
      assert.ok(stdout.includes(row), row);
  });
});

type Standing = NodeStatus["cluster"]["nodes"][number];

/** Three nodes that remember what became of them, behind a real gateway. */
async function threeNodes(t: TestContext) {
  const asked: string[] = [];
  const nodes: Standing[] = ["a1", "a2", "b3"].map((begin) => ({
    id: begin.padEnd(16, "0") as Standing["id"],
    zone: "z",
    weight: 1,
    state: "up",
    draining: false,
    addresses: { rpc: "h:2", http: "h:1", s3: "h:0" },
    isMember: true,
    slots: 12,
    shardReplicas: 2,
    owedPartitions: 0,
  }));
  const cluster: Partial<HoldfastNode["cluster"]> = {
    changeNode: (id, change) => {
      asked.push(`change ${id} ${JSON.stringify(change)}`);
      const at = nodes.findIndex((node) => node.id === id);
      const [node] = nodes;
      assert.ok(node !== undefined);
      const changed = { ...node, ...nodes[at], ...change };
      nodes[at] = changed;
      return Promise.resolve({ ...changed, logIncarnation: "l", volumeIncarnation: "v", joinedAtMs: 1 });
    },
    removeNode: (id) => {
      asked.push(`remove ${id}`);
      return Promise.resolve(true);
    },
    revertLayout: (change) => {
      asked.push(`revert ${change}`);
      return change === 6
        ? Promise.resolve(true)
        : Promise.reject(new StoreError("LayoutConflict", "another one"));
    },
  };
  const group = { leader: nodes[0]?.id, voters: nodes.map(({ id }) => id), learners: [], appliedIndex: 3 };
  const gateway = await nativeGateway(t, {
    gateway: {
      access: { credentials: () => ({ account: "root", secretKey: keys.secretKey }) },
      cluster: cluster as HoldfastNode["cluster"],
      tokens: {
        issue: (lifetimeMs) => {
          asked.push(`issue ${lifetimeMs}`);
          return Promise.resolve({ token: "hfjoin1.secret", expiresAtMs: Date.now() + lifetimeMs });
        },
      },
      status: () =>
        Promise.resolve({
          clusterId: "c",
          nodeId: "n",
          cluster: {
            consensus: "raft",
            epoch: 7,
            nodes,
            system: group,
            shards: [group],
            partitions: { stable: 30, joint: 2, change: 6, unclosedShards: [], incomplete: 0 },
            incompleteBlocks: 0,
          },
        } as unknown as NodeStatus),
    },
  });
  const environment = { HOLDFAST_ACCESS_KEY: keys.accessKey, HOLDFAST_SECRET_KEY: keys.secretKey };
  const cli = (...args: readonly string[]): Promise<Finished> =>
    run(["cluster", ...args], { endpoint: gateway.endpoint, environment });
  return { asked, cli };
}

suite("command line: a cluster of three", () => {
  test("drain, undrain and remove take an id by its beginning, if no other begins so", async (t) => {
    const { asked, cli } = await threeNodes(t);
    const drained = await cli("drain", "a2");
    assert.deepEqual(
      [drained.code, drained.stdout],
      [0, "node a200000000000000 drains (zone z, weight 1)\n"],
    );
    assert.match(drained.stderr, /gives away 12 slots and 2 shard replicas.*\n.*holdfast cluster remove a2/);
    assert.match((await cli("status")).stdout, /\na2 *0* .*up, draining/);
    assert.equal((await cli("undrain", "a2")).code, 0);
    const several = await cli("remove", "a");
    assert.equal(several.code, 1);
    assert.match(several.stderr, /AmbiguousNode: several nodes begin with a: a1\d+, a2\d+\n/);
    const removed = await cli("remove", "b3", "--json");
    assert.deepEqual(JSON.parse(removed.stdout), { kind: "removed", id: "b300000000000000", existed: true });
    assert.deepEqual(asked, [
      'change a200000000000000 {"draining":true}',
      'change a200000000000000 {"draining":false}',
      "remove b300000000000000",
    ]);
  });

  test("a token stands alone on standard output, and what to do with it beside it", async (t) => {
    const { asked, cli } = await threeNodes(t);
    const { code, stdout, stderr } = await cli("token", "--lifetime", "15m");
    assert.deepEqual([code, stdout], [0, "hfjoin1.secret\n"]);
    assert.match(stderr, /until \d{4}-.*\n.*\n.*HOLDFAST_JOIN_TOKEN=TOKEN holdfast server --data DIR --rpc/);
    assert.ok(!stderr.includes("hfjoin1"), "nor does the secret stand there");
    const json = await cli("token", "--json");
    assert.equal(JSON.parse(json.stdout).token, "hfjoin1.secret");
    assert.equal(json.stderr, "");
    assert.deepEqual(asked, ["issue 900000", "issue 3600000"]);
  });

  test("a layout change is taken back by the name that it has now", async (t) => {
    const { asked, cli } = await threeNodes(t);
    const { code, stdout, stderr } = await cli("layout", "revert");
    assert.deepEqual([code, stdout], [0, "the layout change of epoch 6 is taken back\n"]);
    assert.match(stderr, /drain a node that will not come back/);
    assert.deepEqual(asked, ["revert 6"]);
  });

  test("every command explains itself, with examples", async () => {
    for (const name of ["status", "token", "drain", "undrain", "set", "remove", "layout revert"]) {
      const { code, stdout } = await run(["cluster", ...name.split(" "), "--help"]);
      assert.equal(code, 0);
      assert.match(stdout, new RegExp(`Examples:\\n(.*\\n)* {2}.*holdfast cluster ${name}`), name);
    }
  });
});
