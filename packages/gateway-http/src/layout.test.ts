import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { StoreError } from "@holdfast/base";
import type { ClusterView, LayoutProposal, LayoutView } from "@holdfast/node";
import { gatewayOver } from "./gateway-fixture.test.ts";

const path = "/api/v1/cluster/layout";

function view(epoch: number, drawn: object[]): LayoutView {
  const description = { epoch, partitionCount: 16, nodeCount: 1, zoneCount: 1, tables: [] } as never;
  return {
    description,
    draw: (options) => {
      drawn.push(options);
      return `layout ${epoch}`;
    },
  };
}

interface Seen {
  readonly cluster: Partial<ClusterView>;
  readonly drawn: object[];
  readonly proposed: LayoutProposal[];
}

function seen(): Seen {
  const drawn: object[] = [];
  const proposed: LayoutProposal[] = [];
  const table = { width: 3, movedCount: 5, leastCount: 4, movedFraction: 0.5, before: {}, after: {} };
  const plan = { tables: [table], nodes: [], movedCount: 5, leastCount: 4 } as never;
  return {
    drawn,
    proposed,
    cluster: {
      layout: () => Promise.resolve(view(1, drawn)),
      preview: (proposal) => {
        proposed.push(proposal);
        return Promise.resolve({ changes: true, plan, after: view(2, drawn) });
      },
    },
  };
}

suite("native API: layout", () => {
  test("the layout comes in numbers, and drawn as wide as asked for", async () => {
    const { cluster, drawn } = seen();
    const gateway = gatewayOver({}, true, { account: "root", cluster });
    const answer = await gateway.send({ path });
    assert.equal(answer.status, 200);
    assert.partialDeepStrictEqual(JSON.parse(answer.text), { epoch: 1, drawing: "layout 1" });
    await gateway.send({ path, query: "ascii=true&columns=120" });
    assert.deepEqual(drawn, [
      { columns: 80, ascii: false },
      { columns: 120, ascii: true },
    ]);
    assert.equal((await gateway.send({ path, query: "columns=10" })).code, "InvalidArgument");
  });

  test("a preview hands on what is proposed, and says what would move", async () => {
    const { cluster, proposed } = seen();
    const gateway = gatewayOver({}, true, { account: "root", cluster });
    const proposal = {
      join: [{ zone: "b", weight: 2 }],
      leave: ["x"],
      weights: [{ node: "y", weight: 3 }],
      widths: [1, 3],
    };
    const body = JSON.stringify(proposal);
    const answer = await gateway.send({ method: "POST", path: `${path}/preview`, body });
    assert.deepEqual(proposed, [proposal]);
    assert.partialDeepStrictEqual(JSON.parse(answer.text), {
      changes: true,
      movement: {
        movedCount: 5,
        leastCount: 4,
        tables: [{ width: 3, movedCount: 5, leastCount: 4, movedFraction: 0.5 }],
      },
      after: { epoch: 2 },
    });
    await gateway.send({ method: "POST", path: `${path}/preview` });
    assert.deepEqual(proposed[1], { join: [], leave: [], weights: [], widths: undefined });
  });

  test("what makes no sense is refused before anybody is asked", async () => {
    const { cluster, proposed } = seen();
    const gateway = gatewayOver({}, true, { account: "root", cluster });
    for (const wrong of [
      { joins: [] },
      { join: {} },
      { join: [{ zone: "b" }] },
      { join: [{ zone: 1, weight: 1 }] },
      { join: [{ zone: "b", weight: 1.5 }] },
      { leave: [1] },
      { weights: [{ node: "y" }] },
      { widths: [] },
      { widths: [0] },
      { widths: [33] },
      { widths: [3, 3] },
      { widths: ["3"] },
      { leave: Array.from({ length: 1025 }, () => "x") },
    ]) {
      const body = JSON.stringify(wrong);
      const answer = await gateway.send({ method: "POST", path: `${path}/preview`, body });
      assert.equal(answer.code, "InvalidRequest", body.slice(0, 80));
    }
    assert.deepEqual(proposed, []);
  });

  test("it asks for the root key; what the node refuses comes with its status", async () => {
    const others = gatewayOver({}, true, seen());
    for (const [method, where] of [
      ["GET", path],
      ["POST", `${path}/preview`],
    ] as const)
      assert.equal((await others.send({ method, path: where })).code, "AccessDenied");
    const preview = (): Promise<never> => Promise.reject(new StoreError("NodeNotFound", "no such node"));
    const gateway = gatewayOver({}, true, { account: "root", cluster: { preview } });
    const answer = await gateway.send({ method: "POST", path: `${path}/preview` });
    assert.deepEqual([answer.status, answer.code], [404, "NodeNotFound"]);
  });
});
