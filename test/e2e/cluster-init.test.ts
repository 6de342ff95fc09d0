import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";
import { CliProcess, cliArguments, run, temporaryFolder } from "./cli-process.ts";

suite("holdfast cluster init", () => {
  test("founds a cluster, which `holdfast server` starts: the same one, with what was chosen for it", async (t) => {
    const data = join(await temporaryFolder(t), "node");
    const ports = ["--s3", "127.0.0.1:0", "--http", "127.0.0.1:0", "--rpc", "127.0.0.1:0"];
    const choices = [...ports, "--consensus", "multipaxos", "--zone", "rack-7", "--json"];
    const founded = await run(["cluster", "init", "--data", data, ...choices]);
    assert.equal(founded.code, 0, founded.stderr);
    const { kind, clusterId, nodeId, consensus } = JSON.parse(founded.stdout);
    assert.deepEqual([kind, consensus], ["cluster", "multipaxos"]);

    const server = new CliProcess(process.execPath, cliArguments(["server", "--data", data]));
    t.after(async () => {
      server.kill("SIGTERM");
      await server.finished();
    });
    const [, endpoint = ""] = await server.output(/ http=(\S+) /);
    const status = JSON.parse((await run(["cluster", "status", "--json"], { endpoint })).stdout);
    assert.deepEqual(
      [status.clusterId, status.nodeId, status.consensus, status.nodes[0].zone],
      [clusterId, nodeId, "multipaxos", "rack-7"],
    );
    const token = await run(["cluster", "token"], { endpoint });
    assert.equal(token.code, 0, token.stderr);
  });

  test("wants an empty directory, and leaves what is there alone", async (t) => {
    const data = await temporaryFolder(t);
    const founded = await run([
      "cluster",
      "init",
      "--data",
      data,
      "--s3",
      "127.0.0.1:0",
      "--http",
      "127.0.0.1:0",
    ]);
    assert.equal(founded.code, 0, founded.stderr);
    const again = await run(["cluster", "init", "--data", data]);
    assert.equal(again.code, 1);
    assert.match(again.stderr, /^holdfast: DirectoryNotEmpty: .*\n {2}next: start the node that is there/);
  });

  test("says what is wrong with what it is given, and makes nothing", async (t) => {
    const folder = await temporaryFolder(t);
    const wrong = [
      [],
      ["--data", join(folder, "a"), "--consensus", "zab"],
      ["--data", join(folder, "a"), "--rpc", "here"],
    ];
    for (const flags of wrong) {
      const { code, stderr } = await run(["cluster", "init", ...flags]);
      assert.equal(code, 2, stderr);
    }
    assert.deepEqual(await readdir(folder), []);
  });
});
