import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { encode, groupId, logIndex } from "@holdfast/base";
import { MemoryState } from "@holdfast/ports";
import { createLayout, layoutCodec, nextLayout, partitionId } from "@holdfast/ring";
import {
  Cluster,
  digest,
  founding,
  hour,
  id,
  layoutOf,
  members,
  node,
  shards,
} from "../../test-support/cluster-harness.ts";
import { systemEntryCodec } from "../system-command.ts";
import { SystemMachine } from "../system-machine.ts";
import { findLayout } from "./layouts.ts";
import { findFounding, findNode, listNodes, storeNode } from "./members.ts";
import type { NodeLife } from "./node-record.ts";
import { groupRecord } from "./replicas.ts";
import { findToken } from "./tokens.ts";

describe("founding", () => {
  it("makes the first node a member without a token, once", () => {
    const cluster = new Cluster();
    const found = { kind: "foundCluster", founding, node: node(1) } as const;
    const result = cluster.apply(found, 2000);
    assert.deepEqual(result, {
      kind: "node",
      node: { ...node(1), draining: false, joinedAtMs: 2000 },
    });
    assert.deepEqual(cluster.apply(found, 3000), result, "said again it is answered as before");
    assert.deepEqual(findFounding(cluster.state), founding);
    assert.equal(cluster.refused({ ...found, node: node(2) }), "InvalidRequest");
    assert.equal(cluster.refused({ ...found, node: node(1, { logIncarnation: "other" }) }), "NodeConflict");
  });

  it("is refused before there is a cluster, and for a node that no honest one would be", () => {
    for (const changes of [{ weight: 0 }, { weight: 1001 }, { zone: "" }, { zone: "z".repeat(300) }])
      assert.equal(
        new Cluster().refused({ kind: "foundCluster", founding, node: node(1, changes) }),
        "InvalidRequest",
      );
    const empty = new SystemMachine(new MemoryState());
    const command = { kind: "foundCluster", founding, node: node(1) } as const;
    const entry = encode(systemEntryCodec, { timeMs: 1, command });
    assert.deepEqual(empty.apply({ index: logIndex(1), command: entry }), {
      kind: "refused",
      code: "InvalidRequest",
      subject: "",
    });
  });
});

describe("joining", () => {
  it("uses a token up: no second node joins by it, and the first may ask again", () => {
    const cluster = Cluster.founded();
    cluster.apply({ kind: "issueToken", digest: digest(7), lifetimeMs: hour });
    const join = (number: number) => ({ kind: "joinNode", token: digest(7), node: node(number) }) as const;
    const joined = cluster.apply(join(2), 5000);
    assert.equal(joined.kind, "node");
    assert.equal(cluster.refused(join(3), 5000), "InvalidToken");
    assert.deepEqual(cluster.apply(join(2), 5000 + hour / 2), joined, "its first answer may have been lost");
    assert.equal(
      cluster.refused(join(2), 5000 + 2 * hour),
      "InvalidToken",
      "a used token is worth nothing for ever",
    );
    assert.equal(findToken(cluster.state, digest(7))?.usedBy, id(2));
  });

  it("is refused with a token that nobody issued, that ran out, or that was revoked", () => {
    const cluster = Cluster.founded();
    const join = (byte: number) => ({ kind: "joinNode", token: digest(byte), node: node(2) }) as const;
    assert.equal(cluster.refused(join(1)), "InvalidToken");
    cluster.apply({ kind: "issueToken", digest: digest(1), lifetimeMs: hour }, 1000);
    cluster.apply({ kind: "issueToken", digest: digest(2), lifetimeMs: hour }, 1000);
    cluster.apply({ kind: "revokeToken", digest: digest(2) });
    assert.equal(cluster.refused(join(2)), "InvalidToken");
    assert.equal(cluster.refused(join(1), 1001 + hour), "InvalidToken");
  });

  it("counts a token's life in cluster time, which a clock that went back does not lengthen (S16)", () => {
    const cluster = Cluster.founded();
    cluster.apply({ kind: "issueToken", digest: digest(1), lifetimeMs: hour }, 1000);
    cluster.apply({ kind: "revokeToken", digest: digest(9) }, 2 * hour);
    assert.equal(
      cluster.refused({ kind: "joinNode", token: digest(1), node: node(2) }, 1000),
      "InvalidToken",
    );
  });

  it("refuses another life of a node that is a member: a copied or a wiped directory (S11)", () => {
    const cluster = Cluster.founded();
    cluster.admit(2);
    cluster.apply({ kind: "issueToken", digest: digest(8), lifetimeMs: hour });
    for (const changes of [{ logIncarnation: "new" }, { volumeIncarnation: "new" }]) {
      const join = { kind: "joinNode", token: digest(8), node: node(2, changes) } as const;
      assert.equal(cluster.refused(join), "NodeConflict");
      const life = { ...node(2), ...changes };
      const { addresses } = node(2);
      assert.equal(cluster.refused({ kind: "announceNode", node: id(2), life, addresses }), "NodeConflict");
    }
    assert.equal(findToken(cluster.state, digest(8))?.usedBy, undefined, "the token is as good as before");
  });

  it("keeps at most a thousand tokens, of a sound length and life, and forgets those that ran out", () => {
    const cluster = Cluster.founded();
    const issue = (bytes: Uint8Array, lifetimeMs: number) =>
      ({ kind: "issueToken", digest: bytes, lifetimeMs }) as const;
    for (const wrong of [issue(new Uint8Array(31), hour), issue(digest(1), 0), issue(digest(1), 1000 * hour)])
      assert.equal(cluster.refused(wrong), "InvalidRequest");
    const numbered = (number: number): Uint8Array =>
      Uint8Array.of(number >> 8, number, ...digest(0)).slice(0, 32);
    for (let i = 0; i < 1000; i++) assert.equal(cluster.apply(issue(numbered(i), hour)).kind, "done");
    assert.equal(cluster.refused(issue(numbered(1000), hour)), "Overloaded");
    assert.equal(cluster.apply(issue(numbered(1000), hour), 1001 + hour).kind, "done");
    assert.equal(findToken(cluster.state, numbered(0)), undefined);
  });
});

describe("coming back with another log", () => {
  const rejoin = (byte: number, number: number, changes: Partial<NodeLife> = {}) => {
    const { id: known, addresses, logIncarnation, volumeIncarnation } = node(number);
    const life = { logIncarnation, volumeIncarnation, ...changes };
    return { kind: "rejoinNode", token: digest(byte), node: known, life, addresses } as const;
  };

  function withToken(): Cluster {
    const cluster = Cluster.founded();
    cluster.admit(2);
    cluster.apply({ kind: "issueToken", digest: digest(9), lifetimeMs: hour });
    return cluster;
  }

  it("a node keeps its id and what it was given, and its replicas get other numbers (S11)", () => {
    const cluster = withToken();
    const group = groupId(0);
    cluster.apply({ kind: "changeNode", node: id(2), change: { zone: "b", weight: 3, draining: false } });
    cluster.apply({ kind: "assignReplica", group, node: id(1) });
    cluster.apply({ kind: "assignReplica", group, node: id(2) });
    const before = findNode(cluster.state, id(2));
    const back = cluster.apply(rejoin(9, 2, { logIncarnation: "new" }));
    assert.deepEqual(back, { kind: "node", node: { ...before, logIncarnation: "new" } });
    cluster.apply({ kind: "assignReplica", group, node: id(2) });
    assert.deepEqual(
      groupRecord(cluster.state, group).places.map(({ replica, incarnation }) => [replica, incarnation]),
      [
        [1, "log-1"],
        [2, "log-2"],
        [3, "new"],
      ],
    );
  });

  it("a token is good for one life of the log, and may be said again for that one (S11)", () => {
    const cluster = withToken();
    const first = cluster.apply(rejoin(9, 2, { logIncarnation: "new" }));
    assert.deepEqual(cluster.apply(rejoin(9, 2, { logIncarnation: "new" })), first);
    assert.equal(cluster.refused(rejoin(9, 2, { logIncarnation: "newer" })), "InvalidToken");
    cluster.apply({ kind: "issueToken", digest: digest(8), lifetimeMs: hour });
    assert.equal(cluster.apply(rejoin(8, 2, { logIncarnation: "newer" })).kind, "node");
    assert.equal(cluster.refused(rejoin(9, 2, { logIncarnation: "new" })), "InvalidToken", "said late");
  });

  it("is refused with other volumes, without a token, and for a node that is no member (S11)", () => {
    const cluster = withToken();
    const other = { logIncarnation: "new", volumeIncarnation: "new" };
    assert.equal(cluster.refused(rejoin(9, 2, other)), "NodeConflict");
    assert.equal(cluster.refused(rejoin(7, 2, { logIncarnation: "new" })), "InvalidToken");
    assert.equal(cluster.refused(rejoin(9, 3, { logIncarnation: "new" })), "NodeNotFound");
  });

  it("is refused while nobody else has a replica of a group that would be lost (S11)", () => {
    const cluster = withToken();
    const group = groupId(5);
    cluster.apply({ kind: "assignReplica", group, node: id(2) });
    assert.equal(cluster.refused(rejoin(9, 2, { logIncarnation: "new" })), "NodeInUse");
    cluster.apply({ kind: "assignReplica", group, node: id(1) });
    assert.equal(cluster.apply(rejoin(9, 2, { logIncarnation: "new" })).kind, "node");
  });

  it("is refused while another node of one of its groups that came back so has its old number there (S11)", () => {
    const cluster = withToken();
    const group = groupId(5);
    cluster.admit(3);
    for (const number of [1, 2, 3]) cluster.apply({ kind: "assignReplica", group, node: id(number) });
    assert.equal(cluster.apply(rejoin(9, 2, { logIncarnation: "new" })).kind, "node");
    cluster.apply({ kind: "assignReplica", group, node: id(2) });
    cluster.apply({ kind: "issueToken", digest: digest(8), lifetimeMs: hour });
    assert.equal(cluster.refused(rejoin(8, 3, { logIncarnation: "other" })), "Unavailable");
    cluster.apply({ kind: "dropReplica", group, replica: 2 });
    assert.equal(cluster.apply(rejoin(8, 3, { logIncarnation: "other" })).kind, "node");
  });
});

describe("members", () => {
  it("announce where they are, and are changed by name", () => {
    const cluster = Cluster.founded();
    cluster.admit(2);
    const addresses = { rpc: "10.0.0.2:9", http: "10.0.0.2:8", s3: "10.0.0.2:7" };
    cluster.apply({ kind: "announceNode", node: id(2), life: node(2), addresses });
    cluster.apply({ kind: "changeNode", node: id(2), change: { zone: "b", weight: 3, draining: true } });
    const found = findNode(cluster.state, id(2));
    assert.deepEqual(found, {
      ...node(2),
      addresses,
      zone: "b",
      weight: 3,
      draining: true,
      joinedAtMs: 1000,
    });
    const nobody = {
      kind: "changeNode",
      node: id(9),
      change: { zone: "b", weight: 3, draining: true },
    } as const;
    assert.equal(cluster.refused(nobody), "NodeNotFound");
    const absurd = { ...nobody, node: id(2), change: { ...nobody.change, weight: 0 } };
    assert.equal(cluster.refused(absurd), "InvalidRequest");
  });

  it("are removed when no slot and no group names them, and not before (S13)", () => {
    const cluster = Cluster.founded();
    cluster.admit(2);
    cluster.layOut(layoutOf(2, [1]));
    const remove = { kind: "removeNode", node: id(2) } as const;
    assert.equal(cluster.refused(remove), "NodeInUse");
    const leaving = nextLayout(layoutOf(2, [1]), members(1), [1]);
    assert.equal(leaving.kind, "changed");
    cluster.layOut(leaving.layout);
    assert.equal(cluster.refused(remove), "NodeInUse", "as an old owner");
    cluster.close(leaving.layout);
    const all = Array.from({ length: 16 }, (_, i) => partitionId(i));
    const { epoch: change } = leaving.layout;
    cluster.apply({ kind: "completeSlots", node: id(1), width: 1, partitions: all, change });
    assert.equal(cluster.refused(remove), "NodeInUse", "as long as the layout has it as draining");
    const left = nextLayout(findLayout(cluster.state) ?? leaving.layout, members(1), [1]);
    assert.equal(left.kind, "changed");
    cluster.layOut(left.layout);
    const place = cluster.apply({ kind: "assignReplica", group: groupId(1), node: id(2) });
    assert.equal(place.kind, "replica");
    assert.equal(cluster.refused(remove), "NodeInUse");
    cluster.apply({ kind: "dropReplica", group: groupId(1), replica: 1 });
    cluster.apply({ kind: "assignReplica", group: groupId(0), node: id(2) });
    assert.equal(cluster.refused(remove), "NodeInUse", "it may vote in the system group");
    const draining = { zone: "b", weight: 3, draining: true };
    cluster.apply({ kind: "changeNode", node: id(2), change: draining });
    assert.equal(cluster.apply(remove).kind, "done", "a draining node learns from it to its end");
    assert.equal(cluster.apply(remove).kind, "done", "said again it changes nothing");
    assert.deepEqual(
      listNodes(cluster.state).map((found) => found.id),
      [id(1)],
    );
  });
});

describe("layouts", () => {
  it("follow each other: of two that were made from the same one, one is refused", () => {
    const cluster = Cluster.founded();
    for (const number of [2, 3, 4]) cluster.admit(number);
    const first = layoutOf(3, [3]);
    cluster.layOut(first);
    const next = nextLayout(first, members(4), [3]);
    assert.equal(next.kind, "changed");
    cluster.layOut(next.layout);
    const other = nextLayout(first, [...members(3).slice(0, 2), ...members(4).slice(3)], [3]);
    assert.equal(other.kind, "changed");
    assert.equal(cluster.refused(cluster.setLayout(other.layout)), "LayoutConflict");
    assert.deepEqual(findLayout(cluster.state), next.layout);
  });

  it("begin from what is there: no table and no slot is forgotten, and none is joint with what never was (S3)", () => {
    const cluster = Cluster.founded();
    for (const number of [2, 3, 4]) cluster.admit(number);
    const first = layoutOf(3, [1, 3]);
    cluster.layOut(first);
    const joined = nextLayout(first, members(4), [1, 3]);
    assert.equal(joined.kind, "changed");
    const { tables } = joined.layout;
    cluster.createBucket("narrow", 1);
    const forgetful = tables.map((table) => ({ ...table, oldSlots: table.slots }));
    for (const wrong of [
      { ...joined.layout, tables: tables.slice(1) },
      { ...joined.layout, tables: forgetful },
    ])
      assert.equal(cluster.refused(cluster.setLayout(wrong)), "InvalidRequest");
    const wide = nextLayout(layoutOf(3, [1, 2]), members(4), [1, 2]);
    assert.equal(wide.kind, "changed");
    const [, narrow] = wide.layout.tables;
    assert.ok(narrow !== undefined && narrow.slots !== narrow.oldSlots);
    const [one, three] = tables;
    assert.ok(one !== undefined && three !== undefined);
    cluster.createBucket("wide", 3);
    const withoutThree = { ...joined.layout, tables: [one] };
    assert.equal(cluster.refused(cluster.setLayout(withoutThree)), "InvalidRequest");
    const jointFromTheStart = { ...joined.layout, tables: [one, narrow, three] };
    assert.equal(cluster.refused(cluster.setLayout(jointFromTheStart)), "InvalidRequest");
    cluster.layOut(joined.layout);
  });

  it("lose a table that no bucket ever used, not one that a bucket had that is gone: a copy may have its content", () => {
    for (const isUsed of [false, true]) {
      const cluster = Cluster.founded();
      for (const number of [2, 3, 4]) cluster.admit(number);
      const first = layoutOf(3, [1, 3]);
      cluster.layOut(first);
      cluster.createBucket("other", 1);
      if (isUsed) {
        const bucket = cluster.createBucket("b", 3);
        cluster.apply({ kind: "activateBucket", bucket });
        cluster.apply({ kind: "beginBucketDelete", bucket });
        assert.equal(cluster.apply({ kind: "finishBucketDelete", bucket }).kind, "done");
      }
      const next = nextLayout(first, members(2), [1]);
      assert.equal(next.kind, "changed");
      if (isUsed) assert.equal(cluster.refused(cluster.setLayout(next.layout)), "InvalidRequest");
      else cluster.layOut(next.layout);
    }
  });

  it("name members alone, and are of the cluster's number of partitions", () => {
    const cluster = Cluster.founded();
    assert.equal(cluster.refused(cluster.setLayout(layoutOf(2, [1]))), "NodeNotFound");
    const wide = createLayout({ partitionBits: 5, shardCount: shards, members: members(1), widths: [1] });
    assert.equal(wide.kind, "changed");
    assert.equal(cluster.refused(cluster.setLayout(wide.layout)), "InvalidRequest");
    const bytes = encode(layoutCodec, layoutOf(1, [1]));
    for (let i = 0; i < bytes.length; i++) {
      const cut = { kind: "setLayout", layout: bytes.subarray(0, i) } as const;
      assert.equal(cluster.refused(cut), "InvalidRequest", `cut at ${i}`);
    }
  });
});

describe("replicas", () => {
  it("have numbers that are never given out twice, one for each life of a node's log (S11)", () => {
    const cluster = Cluster.founded();
    cluster.admit(2);
    const group = groupId(3);
    const assign = (number: number): number => {
      const result = cluster.apply({ kind: "assignReplica", group, node: id(number) });
      assert.equal(result.kind, "replica");
      return result.place.replica;
    };
    assert.deepEqual([assign(1), assign(2), assign(1)], [1, 2, 1]);
    cluster.apply({ kind: "dropReplica", group, replica: 2 });
    assert.equal(assign(2), 3, "its earlier number stays used");
    const member = findNode(cluster.state, id(1));
    assert.ok(member !== undefined);
    storeNode(cluster.state, { ...member, logIncarnation: "log-1-anew" });
    assert.equal(assign(1), 4, "its log is another one now");
    assert.deepEqual(groupRecord(cluster.state, group).places, [
      { replica: 1, node: id(1), incarnation: "log-1" },
      { replica: 3, node: id(2), incarnation: "log-2" },
      { replica: 4, node: id(1), incarnation: "log-1-anew" },
    ]);
    assert.equal(cluster.refused({ kind: "assignReplica", group, node: id(5) }), "NodeNotFound");
    assert.deepEqual(groupRecord(cluster.state, groupId(4)).places, []);
  });
});
