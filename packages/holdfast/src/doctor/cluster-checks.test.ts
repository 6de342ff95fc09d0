import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { Cluster, ClusterNode } from "@holdfast/client";
import { statusText } from "../commands/cluster-status.ts";
import { clusterFindings } from "./cluster-checks.ts";
import type { Finding } from "./finding.ts";

const [a = "", b = "", c = ""] = ["a", "b", "c"].map((letter) => letter.repeat(16));

function node(id: string, changes: Partial<ClusterNode> = {}): ClusterNode {
  const address = (port: number): string => `${id.slice(0, 1)}.example:${port}`;
  return {
    id,
    zone: `zone-${id.slice(0, 1)}`,
    weight: 1,
    draining: false,
    addresses: { rpc: address(2), http: address(1), s3: address(0) },
    state: "up",
    isMember: true,
    slots: 1024,
    shardReplicas: 2,
    owedPartitions: 0,
    ...changes,
  };
}

const group = { leader: a, voters: [a, b, c], learners: [], applied: 7 };
const leaderless = { ...group, leader: undefined };

const well: Cluster = {
  clusterId: "the-cluster",
  nodeId: a,
  consensus: "raft",
  epoch: 4,
  nodes: [node(a), node(b), node(c)],
  system: group,
  shards: [
    { shard: 0, ...group },
    { shard: 1, ...group, leader: b },
  ],
  partitions: { stable: 2048, joint: 0, change: undefined, unclosedShards: [], incomplete: 0 },
  repairQueue: 0,
};

function wrong(changes: Partial<Cluster>): readonly Finding[] {
  return clusterFindings({ ...well, ...changes }).filter(({ severity }) => severity !== "ok");
}

/** The one thing that is wrong. */
function only(changes: Partial<Cluster>): Finding & { readonly why: string; readonly next: string } {
  const [finding, ...others] = wrong(changes);
  assert.ok(finding !== undefined && others.length === 0, JSON.stringify([finding, ...others]));
  const { why, next } = finding;
  assert.ok(why !== undefined && next !== undefined && why.length > 20 && next.length > 10, finding.what);
  return { ...finding, why, next };
}

suite("doctor: a cluster", () => {
  test("that is well has nothing but good findings, be it of one node", () => {
    assert.deepEqual(wrong({}), []);
    assert.deepEqual(wrong({ nodes: [node(a)] }), []);
    const lone = clusterFindings({ ...well, nodes: [node(a)] }).find(({ check }) => check === "redundancy");
    assert.match(lone?.what ?? "", /on its disk alone/);
  });

  test("of two nodes is warned of: nothing survives the death of one", () => {
    const { check, why, next } = only({ nodes: [node(a), node(b)] });
    assert.equal(check, "redundancy");
    assert.match(`${why} ${next}`, /single voter.*cluster token/);
  });

  test("a node that is down: which, where, and both ways on", () => {
    const { severity, what, next } = only({ nodes: [node(a), node(b), node(c, { state: "down" })] });
    assert.equal(severity, "warning");
    assert.match(what, /^node c{16} \(zone zone-c, http c\.example:1\) is down/);
    assert.match(next, /start it.*catches up by itself.*cluster drain c{16}/);
  });

  test("groups without a leader: which, and whose return brings a majority", () => {
    const nodes = [node(a), node(b, { state: "down" }), node(c, { state: "down" })];
    const shards = [
      { shard: 0, ...group },
      { shard: 1, ...leaderless },
    ];
    const [shard] = wrong({ nodes, shards }).filter(({ check }) => check === "shards");
    assert.equal(shard?.severity, "error");
    assert.match(shard.what, /^no leader: shard 1 of 2$/);
    assert.match(shard.next ?? "", /start node b{16}.*, node c{16}/);
    const [system] = wrong({ nodes, system: leaderless }).filter(({ check }) => check === "system-group");
    assert.equal(system?.severity, "error");
    assert.match(system.next ?? "", /start node b{16}/);
  });

  test("a group whose voters are up elects a leader: nobody is told to start anything", () => {
    const { next } = only({ shards: [{ shard: 0, ...leaderless }] });
    assert.match(next, /election takes a few seconds/);
  });

  test("of a shard without a replica on the node asked nothing is claimed", () => {
    const unseen = { shard: 1, ...leaderless, applied: undefined };
    const shards = [{ shard: 0, ...group }, unseen];
    assert.deepEqual(wrong({ shards }), []);
    const found = clusterFindings({ ...well, shards }).find(({ check }) => check === "shards");
    assert.match(found?.what ?? "", /^1 of 2 have a leader; 1 have no replica on the node asked/);
  });

  test("partitions that move are no fault, unless they wait for what is down", () => {
    const partitions = { stable: 2000, joint: 48, change: 5, unclosedShards: [], incomplete: 0 };
    const owing = (state: "up" | "down"): readonly ClusterNode[] => [
      node(a),
      node(b),
      node(c, { owedPartitions: 48, state }),
    ];
    assert.deepEqual(wrong({ partitions, nodes: owing("up") }), []);
    const moving = clusterFindings({ ...well, partitions, nodes: owing("up") });
    const layout = moving.find(({ check }) => check === "layout");
    assert.match(
      layout?.what ?? "",
      /^48 of 2,048 partitions are moving since epoch 5, waiting for c{16} \(48\)$/,
    );
    const [stuck] = wrong({ partitions, nodes: owing("down") }).filter(({ check }) => check === "layout");
    assert.match(stuck?.what ?? "", /waiting for c{16}, down, \(48\)$/);
    assert.match(stuck?.next ?? "", /start node c{16}.*cluster drain.*cluster layout revert/);
  });

  test("a change that waits for a shard without a leader says so", () => {
    const partitions = { stable: 2000, joint: 48, change: 5, unclosedShards: [1], incomplete: 0 };
    assert.deepEqual(wrong({ partitions }), []);
    const shards = [
      { shard: 0, ...group },
      { shard: 1, ...leaderless },
    ];
    const layout = wrong({ partitions, shards }).find(({ check }) => check === "layout");
    assert.match(layout?.what ?? "", /waiting for shard 1 to close earlier epochs$/);
    assert.match(layout?.next ?? "", /when these shards have leaders/);
  });

  test("blocks that lack a copy are counted", () => {
    const { check, what } = only({ repairQueue: 9, partitions: { ...well.partitions, incomplete: 2 } });
    assert.deepEqual([check, what], ["repair", "9 blocks in 2 partitions lack a copy"]);
  });

  test("a draining node is told of as it goes, and may be removed when it holds nothing", () => {
    const others = [node(a), node(b), node("d".repeat(16))];
    const going = { ...well, nodes: [...others, node(c, { draining: true })] };
    const found = clusterFindings(going).find(({ check }) => check === "draining");
    assert.equal(found?.severity, "ok");
    assert.match(found.what, /^node c{16} gives away what it holds: 1,024 slots and 2 shard replicas left$/);
    for (const held of [{ isMember: true }, { shardReplicas: 1 }])
      assert.deepEqual(
        wrong({
          nodes: [
            ...others,
            node(c, { draining: true, isMember: false, shardReplicas: 0, slots: 0, ...held }),
          ],
        }),
        [],
      );
    const gone = node(c, { draining: true, isMember: false, shardReplicas: 0, slots: 0 });
    assert.match(only({ nodes: [...others, gone] }).next, /^`holdfast cluster remove c{16}`/);
  });
});

suite("cluster status: the text", () => {
  const text = (changes: Partial<Cluster>): string => {
    const cluster = { ...well, ...changes };
    const findings = clusterFindings(cluster).filter(({ severity }) => severity !== "ok");
    return statusText(cluster, findings).join("\n");
  };

  test("a cluster that is well, in a table and three words", () => {
    assert.equal(
      text({}),
      `cluster the-cluster  -  raft  -  layout 4  -  seen from node ${a}

node              zone    weight  state  slots  shards  leads  http         s3           rpc
${a}  zone-a  1       up     1024   2       1      a.example:1  a.example:0  a.example:2
${b}  zone-b  1       up     1024   2       1      b.example:1  b.example:0  b.example:2
${c}  zone-c  1       up     1024   2       0      c.example:1  c.example:0  c.example:2

system group  led by ${a}, 3 voters, 0 learners
shards        2 of 2 have a leader
partitions    2048 stable
repair        nothing to do

all is well`,
    );
  });

  test("the last line says whether all is well; what is not stands above it with what happens next", () => {
    const down = text({ nodes: [node(a), node(b), node(c, { state: "down", draining: true })] });
    assert.match(down, /^c{16} .* down, draining /m);
    assert.match(down, /\nWARNING node c{16} .*\n {2}next: .*\n/);
    assert.match(down, /\nserved, but not all is well: \d warnings?$/);
    const partitions = { stable: 2000, joint: 48, change: 5, unclosedShards: [], incomplete: 0 };
    const lost = text({ shards: [{ shard: 0, ...leaderless }], partitions });
    assert.match(lost, /shards +0 of 1 have a leader, NO LEADER: 0\n/);
    assert.match(lost, /partitions +2000 stable, 48 moving since epoch 5\n/);
    assert.match(lost, /\nERROR no leader: shard 0 of 1\n {2}next: /);
    assert.match(lost, /\nnot well: 1 error; some requests are not served$/);
  });
});
