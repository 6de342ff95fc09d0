import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { suite, test } from "node:test";
import { UsageError } from "../command-line/failure.ts";
import type { DevPlan } from "./plan.ts";
import { checkFlags, planDev } from "./plan.ts";

/** A directory that holds these nodes, of which those below 0 never got ready (-1 - number). */
async function directory(t: TestContext, nodes: readonly number[] = []): Promise<string> {
  const data = await mkdtemp(join(tmpdir(), "holdfast-test-"));
  t.after(() => rm(data, { recursive: true }));
  for (const number of nodes) {
    const folder = join(data, `node-${number < 0 ? -1 - number : number}`);
    await mkdir(folder);
    if (number >= 0) await writeFile(join(folder, "config.yaml"), "");
  }
  return data;
}

/** The arguments of each node, as one would type them. */
function lines({ nodes }: DevPlan): string[] {
  return nodes.map(({ args }) => args.join(" "));
}

suite("dev: a new cluster", () => {
  test("has three nodes unless it is told otherwise", async (t) => {
    const data = await directory(t);
    assert.deepEqual(lines(await planDev({}, data, false)), [
      `server --data ${data}/node-0 --s3 127.0.0.1:9000 --http 127.0.0.1:9001 --rpc 127.0.0.1:9002 --log warn`,
      `server --data ${data}/node-1 --s3 127.0.0.1:9010 --http 127.0.0.1:9011 --rpc 127.0.0.1:9012 --log warn`,
      `server --data ${data}/node-2 --s3 127.0.0.1:9020 --http 127.0.0.1:9021 --rpc 127.0.0.1:9022 --log warn`,
    ]);
  });

  test("node i listens on base + 10 i and the two ports behind, and node 0 alone is told the protocol", async (t) => {
    const data = await directory(t);
    const flags = { nodes: "3", basePort: "7000", consensus: "multipaxos" };
    const plan = await planDev(flags, data, false);
    assert.equal(plan.kind, "new");
    assert.deepEqual(lines(plan), [
      `server --data ${data}/node-0 --s3 127.0.0.1:7000 --http 127.0.0.1:7001 --rpc 127.0.0.1:7002 --log warn --consensus multipaxos`,
      `server --data ${data}/node-1 --s3 127.0.0.1:7010 --http 127.0.0.1:7011 --rpc 127.0.0.1:7012 --log warn`,
      `server --data ${data}/node-2 --s3 127.0.0.1:7020 --http 127.0.0.1:7021 --rpc 127.0.0.1:7022 --log warn`,
    ]);
    assert.deepEqual(
      plan.nodes.map(({ number, config }) => [number, config]),
      [0, 1, 2].map((number) => [number, join(data, `node-${number}`, "config.yaml")]),
    );
  });

  test("base 0 takes free ports for all of them", async (t) => {
    const plan = await planDev({ nodes: "2", basePort: "0" }, await directory(t), false);
    for (const line of lines(plan))
      assert.match(line, /--s3 127\.0\.0\.1:0 --http 127\.0\.0\.1:0 --rpc 127\.0\.0\.1:0/);
  });

  test("a directory that is not there, and one whose nodes never got ready, are new", async (t) => {
    const data = await directory(t, [-1, -2]);
    for (const path of [data, join(data, "none")])
      assert.equal((await planDev({}, path, false)).kind, "new", path);
  });

  test("ports that there are not are refused", async (t) => {
    const data = await directory(t);
    assert.equal((await planDev({ nodes: "2", basePort: "65523" }, data, false)).nodes.length, 2);
    await assert.rejects(
      planDev({ nodes: "2", basePort: "65524" }, data, false),
      /node 1 would listen on port 65536/,
    );
  });
});

suite("dev: an existing cluster", () => {
  test("all nodes that are found are started from their files, by number", async (t) => {
    const data = await directory(t, [10, 0, 2, -2]);
    const plan = await planDev({}, data, false);
    assert.equal(plan.kind, "existing");
    assert.deepEqual(
      lines(plan),
      [0, 2, 10].map((number) => `server --config ${data}/node-${number}/config.yaml`),
    );
    assert.deepEqual(await planDev({ nodes: "3", consensus: "raft" }, data, false), plan);
  });

  test("--base-port moves what clients use, and not what nodes know each other by", async (t) => {
    const data = await directory(t, [0, 3]);
    assert.deepEqual(lines(await planDev({ basePort: "8000" }, data, false)), [
      `server --config ${data}/node-0/config.yaml --s3 127.0.0.1:8000 --http 127.0.0.1:8001`,
      `server --config ${data}/node-3/config.yaml --s3 127.0.0.1:8030 --http 127.0.0.1:8031`,
    ]);
    await assert.rejects(planDev({ basePort: "65533" }, data, false), /node 3/);
  });

  test("another number of nodes is refused, with the command that grows the cluster", async (t) => {
    const data = await directory(t, [0, 2, -2]);
    await assert.rejects(planDev({ nodes: "3", basePort: "8000" }, data, false), (error: Error) => {
      assert.ok(error instanceof UsageError);
      assert.match(error.message, /holds a cluster of 2 nodes, fewer than --nodes 3: leave --nodes out/);
      const ports = "--s3 127.0.0.1:8010 --http 127.0.0.1:8011 --rpc 127.0.0.1:8012";
      const command = `holdfast server --data ${data}/node-1 ${ports} --join "$(holdfast cluster token)"`;
      assert.ok(error.message.endsWith(command), error.message);
      return true;
    });
    await assert.rejects(
      planDev({ nodes: "1" }, data, false),
      /more than --nodes 1.*holdfast cluster remove/,
    );
  });
});

suite("dev: flags", () => {
  test("wrong ones are refused whatever the directory holds", () => {
    for (const nodes of ["0", "101", "-1", "two", "1.5", ""])
      assert.throws(() => checkFlags({ nodes }), /--nodes is a whole number from 1 to 100/, nodes);
    for (const basePort of ["-1", "65534", "x"]) assert.throws(() => checkFlags({ basePort }), /--base-port/);
    assert.throws(() => checkFlags({ consensus: "paxos" }), /raft or multipaxos/);
    assert.throws(() => checkFlags({ ephemeral: true, data: "x" }), /leave --data out/);
    checkFlags({ nodes: "100", basePort: "0", consensus: "raft" });
  });

  test("at a terminal the nodes log for people, otherwise for programs; all are as ephemeral as the cluster", async (t) => {
    const data = await directory(t);
    for (const line of lines(await planDev({ nodes: "2", ephemeral: true }, data, true)))
      assert.match(line, / --log-format text --ephemeral$/);
    for (const line of lines(await planDev({ nodes: "2" }, data, false)))
      assert.doesNotMatch(line, /log-format/);
  });
});
