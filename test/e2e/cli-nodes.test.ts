import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { CliProcess, cliArguments, run, startDev, temporaryFolder } from "./cli-process.ts";

interface ClusterStatus {
  readonly nodes: readonly {
    readonly id: string;
    readonly state: string;
    readonly addresses: { readonly http: string };
  }[];
  readonly shards: readonly { readonly leader?: string; readonly voters: readonly string[] }[];
}

async function statusOf(endpoint: string): Promise<ClusterStatus> {
  const { code, stdout, stderr } = await run(["cluster", "status", "--json"], { endpoint });
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as ClusterStatus;
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
