import assert from "node:assert/strict";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { CliProcess, cliArguments, run, startDev, temporaryFolder } from "./cli-process.ts";

interface ClusterStatus {
  readonly nodes: readonly {
    readonly id: string;
    readonly state: string;
    readonly addresses: { readonly http: string };
  }[];
  readonly healthy: boolean;
  readonly system: Group;
  readonly shards: readonly Group[];
}

interface Group {
  readonly voters: readonly string[];
  readonly learners: readonly string[];
}

async function statusOf(endpoint: string): Promise<ClusterStatus> {
  const { code, stdout, stderr } = await run(["cluster", "status", "--json"], { endpoint });
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as ClusterStatus;
}

/** Every group has three voters and nobody on the way in. */
function isWell({ healthy, system, shards }: ClusterStatus): boolean {
  return (
    healthy &&
    [system, ...shards].every(({ voters, learners }) => voters.length === 3 && learners.length === 0)
  );
}

/** Blocks that the node holds, and those that it has stored since it started. */
async function blocksOf(http: string): Promise<{ readonly held: number; readonly stored: number }> {
  const page = await (await fetch(`${http}/metrics`)).text();
  const value = (name: string): number => Number(new RegExp(`^${name} (\\d+)$`, "m").exec(page)?.[1]);
  return { held: value("holdfast_blocks"), stored: value("holdfast_block_puts_total") };
}

/** Looks again until it holds; the deadline is the test's. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds()));
}

describe("three node processes", () => {
  test("any one may be killed: the others serve, and it has everything when it is back", {
    timeout: 120_000,
  }, async (t) => {
    const data = join(await temporaryFolder(t), "store");
    const dev = await startDev(t, ["--data", data, "--nodes", "3"]);
    assert.match(dev.line, / nodes=3 /);
    const endpoints = (await statusOf(dev.http)).nodes.map(({ addresses }) => `http://${addresses.http}`);
    assert.equal(endpoints.length, 3);
    const folder = await temporaryFolder(t);
    assert.equal((await run(["mb", "hf://kept"], { endpoint: endpoints[0] ?? "" })).code, 0);
    const bucket = await run(["stat", "hf://kept", "--json"], { endpoint: endpoints[0] ?? "" });
    assert.match(bucket.stdout, /replicas:3/);
    assert.equal(
      (await run(["cp", "-r", "docs", "hf://kept/docs/"], { endpoint: endpoints[1] ?? "" })).code,
      0,
    );

    process.kill(Number(await readFile(join(data, "node-1/pid"), "utf8")), "SIGKILL");
    await dev.process.output(/node 1 ended \(signal SIGKILL\); it stays down/, "stderr");
    const others = (
      await Promise.all(
        endpoints.map(async (endpoint) => {
          const alive = await fetch(`${endpoint}/healthz`).then(
            () => true,
            () => false,
          );
          return alive ? [endpoint] : [];
        }),
      )
    ).flat();
    assert.equal(others.length, 2);
    for (const [i, endpoint] of others.entries()) {
      assert.equal((await run(["cp", "README.md", `hf://kept/during-${i}`], { endpoint })).code, 0);
      assert.equal(
        (await run(["cp", "-r", "hf://kept/docs/", join(folder, `of-${i}`)], { endpoint })).code,
        0,
      );
      assert.equal(
        await readFile(join(folder, `of-${i}`, "s3.md"), "utf8"),
        await readFile("docs/s3.md", "utf8"),
      );
    }
    await until(async () => (await statusOf(others[0] ?? "")).nodes.some(({ state }) => state === "down"));

    const server = new CliProcess(
      process.execPath,
      cliArguments(["server", "--config", join(data, "node-1/config.yaml")]),
    );
    const [, http = ""] = await server.output(/^ready s3=\S+ http=(\S+)/m);
    const during = await run(["cat", "hf://kept/during-0"], { endpoint: http });
    assert.equal(during.stdout, await readFile("README.md", "utf8"));
    await until(async () => (await statusOf(http)).nodes.every(({ state }) => state === "up"));
    server.kill("SIGTERM");
    assert.equal((await server.finished()).code, 0);
  });

  test("one whose log is lost is refused, and comes back with its blocks when it is told to", {
    timeout: 120_000,
  }, async (t) => {
    const data = join(await temporaryFolder(t), "store");
    const dev = await startDev(t, ["--data", data, "--nodes", "3"]);
    const nodes = (await statusOf(dev.http)).nodes.map(({ id, addresses }) => ({ id, http: addresses.http }));
    assert.equal((await run(["mb", "hf://kept"], { endpoint: dev.http })).code, 0);
    await until(async () => isWell(await statusOf(dev.http)));
    assert.equal((await run(["cp", "-r", "docs", "hf://kept/docs/"], { endpoint: dev.http })).code, 0);

    // Of a write the last copy comes behind its answer.
    await until(async () => {
      const held = await Promise.all(nodes.map(async (node) => (await blocksOf(`http://${node.http}`)).held));
      return held.every((count) => count === held[0]);
    });

    const own = join(data, "node-1");
    const { nodeId } = JSON.parse(await readFile(join(own, "identity.json"), "utf8"));
    const endpoint = `http://${nodes.find(({ id }) => id !== nodeId)?.http}`;
    const before = await blocksOf(`http://${nodes.find(({ id }) => id === nodeId)?.http}`);
    assert.ok(before.held > 0);
    process.kill(Number(await readFile(join(own, "pid"), "utf8")), "SIGKILL");
    await dev.process.output(/node 1 ended/, "stderr");
    await rm(join(own, "log"), { recursive: true });
    const start = ["server", "--config", join(own, "config.yaml")];
    const refused = await run(start, {});
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /DataCorrupt: .*lacks what was in "log".*holdfast server --rejoin/);

    const token = (await run(["cluster", "token"], { endpoint })).stdout.trim();
    const server = new CliProcess(process.execPath, cliArguments([...start, "--rejoin", token]));
    t.after(() => server.kill("SIGKILL"));
    const [, http = ""] = await server.output(/^ready s3=\S+ http=(\S+)/m);
    await until(async () => isWell(await statusOf(endpoint)));
    const folder = await temporaryFolder(t);
    assert.equal((await run(["cp", "-r", "hf://kept/docs/", folder], { endpoint: http })).code, 0);
    assert.equal(await readFile(join(folder, "s3.md"), "utf8"), await readFile("docs/s3.md", "utf8"));
    assert.deepEqual(
      (await statusOf(http)).nodes.map(({ id }) => id),
      nodes.map(({ id }) => id),
    );
    assert.deepEqual(await blocksOf(http), { ...before, stored: 0 });
    server.kill("SIGTERM");
    assert.equal((await server.finished()).code, 0);
  });

  test("one that is started alone, and waits for the others, ends when it is told to", {
    timeout: 120_000,
  }, async (t) => {
    const data = join(await temporaryFolder(t), "store");
    const dev = await startDev(t, ["--data", data, "--nodes", "3"]);
    await until(async () => {
      const { shards } = await statusOf(dev.http);
      return shards.every(({ voters }) => voters.length === 3);
    });
    dev.process.kill("SIGTERM");
    assert.equal((await dev.process.finished()).code, 0);
    const alone = new CliProcess(
      process.execPath,
      cliArguments(["server", "--config", join(data, "node-1/config.yaml")]),
    );
    await alone.output(/start waits for other nodes/, "stderr");
    alone.kill("SIGTERM");
    const { code, stdout, stderr } = await alone.finished();
    assert.equal(code, 0, stderr);
    assert.equal(stdout, "", "it was never ready");
    assert.match(stderr, /stopped before the node was ready/);
  });
});
