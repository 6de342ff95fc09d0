import assert from "node:assert/strict";
import { once } from "node:events";
import { readdir, readFile, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { suite, test } from "node:test";
import { Holdfast } from "holdfast";
import {
  CliProcess,
  cliArguments,
  isRunning,
  run,
  startDev,
  temporaryFolder,
  untilUnreachable,
} from "./cli-process.ts";

suite("command line: nodes and their processes", () => {
  test("dev prints one ready line, serves, and a signal ends all its processes", async (t) => {
    const data = join(await temporaryFolder(t), "store");
    const dev = await startDev(t, ["--data", data]);
    assert.equal(dev.process.stdout, `ready s3=${dev.s3} http=${dev.http} nodes=1 data=${data}\n`);
    assert.equal((await fetch(`${dev.http}/healthz`)).status, 200);
    const pid = Number(await readFile(join(data, "node-0/pid"), "utf8"));
    assert.ok(isRunning(pid));
    assert.notEqual(pid, dev.process.child.pid);
    dev.process.kill("SIGTERM");
    assert.equal((await dev.process.finished()).code, 0);
    assert.ok(!isRunning(pid));
    await untilUnreachable(dev.http);
  });

  test("dev that is killed takes its nodes along", async (t) => {
    const data = join(await temporaryFolder(t), "store");
    const dev = await startDev(t, ["--data", data]);
    dev.process.kill("SIGKILL");
    await untilUnreachable(dev.http);
  });

  test("the config file is its owner's alone; the data directory is found again with its files", async (t) => {
    const data = join(await temporaryFolder(t), "store");
    const first = await startDev(t, ["--data", data]);
    assert.equal((await run(["mb", "hf://kept"], { endpoint: first.http })).code, 0);
    assert.equal((await stat(join(data, "node-0/config.yaml"))).mode & 0o777, 0o600);
    first.process.kill("SIGTERM");
    await first.process.finished();
    const second = await startDev(t, ["--data", data]);
    assert.equal((await run(["ls"], { endpoint: second.http })).stdout, "hf://kept\n");
  });

  test("a node that was killed stays down, and holdfast server starts it again", async (t) => {
    const data = join(await temporaryFolder(t), "store");
    const dev = await startDev(t, ["--data", data]);
    assert.equal((await run(["mb", "hf://kept"], { endpoint: dev.http })).code, 0);
    process.kill(Number(await readFile(join(data, "node-0/pid"), "utf8")), "SIGKILL");
    await untilUnreachable(dev.http);
    assert.equal(dev.process.child.exitCode, null);
    const server = new CliProcess(
      process.execPath,
      cliArguments(["server", "--config", join(data, "node-0/config.yaml")]),
    );
    const [, http = ""] = await server.output(/^ready s3=\S+ http=(\S+)/m);
    assert.equal((await run(["ls"], { endpoint: http })).stdout, "hf://kept\n");
    server.kill("SIGTERM");
    assert.equal((await server.finished()).code, 0);
  });

  test("--respawn starts a killed node again", async (t) => {
    const data = join(await temporaryFolder(t), "store");
    const dev = await startDev(t, ["--data", data, "--respawn"]);
    assert.equal((await run(["mb", "hf://kept"], { endpoint: dev.http })).code, 0);
    process.kill(Number(await readFile(join(data, "node-0/pid"), "utf8")), "SIGKILL");
    const [, http = ""] = await dev.process.output(/node 0 serves again: s3=\S+ http=(\S+)/, "stderr");
    assert.match(dev.process.stderr, /node 0 ended \(signal SIGKILL\); starting it again/);
    assert.equal((await run(["ls"], { endpoint: http })).stdout, "hf://kept\n");
  });

  test("a second start on the same directory is refused and names the process that has it", async (t) => {
    const data = join(await temporaryFolder(t), "store");
    const dev = await startDev(t, ["--data", data]);
    const pid = Number(await readFile(join(data, "node-0/pid"), "utf8"));
    const second = await run(["dev", "--data", data, "--base-port", "0"]);
    assert.equal(second.code, 1);
    assert.match(second.stderr, new RegExp(`DirectoryInUse.*process ${pid}`));
    assert.equal(Number(await readFile(join(data, "node-0/pid"), "utf8")), pid);
    assert.equal((await fetch(`${dev.http}/readyz`)).status, 200);
  });

  test("a port in use is said, with what to do, and the exit code is 1", async (t) => {
    const holder = createServer();
    holder.listen(0, "127.0.0.1");
    await once(holder, "listening");
    t.after(() => holder.close());
    const address = holder.address();
    assert.ok(typeof address === "object" && address !== null);
    const port = String(Math.min(address.port, 65_533));
    const dev = await run(["dev", "--ephemeral", "--base-port", port]);
    assert.equal(dev.code, 1);
    assert.match(dev.stderr, /PortInUse: node 0: port \d+ is in use/);
    assert.match(dev.stderr, /--base-port/);
  });

  test("an ephemeral directory is gone after the end", async (t) => {
    const dev = await startDev(t, ["--ephemeral"]);
    const data = / data=(\S+)$/.exec(dev.line)?.[1] ?? assert.fail(dev.line);
    assert.ok((await readdir(data)).includes("node-0"));
    dev.process.kill("SIGINT");
    assert.equal((await dev.process.finished()).code, 0);
    await assert.rejects(stat(data), { code: "ENOENT" });
  });

  test("nothing listens beyond loopback with the development keys", async (t) => {
    const data = await temporaryFolder(t);
    const server = await run(["server", "--data", data, "--s3", "0.0.0.0:0", "--http", ":0"]);
    assert.equal(server.code, 2);
    assert.match(server.stderr, /HOLDFAST_SECRET_KEY/);
  });

  test("the secret key is neither printed nor logged", async (t) => {
    const data = await temporaryFolder(t);
    const environment = { HOLDFAST_ACCESS_KEY: "admin", HOLDFAST_SECRET_KEY: "hush-hush-hush" };
    const args = ["server", "--data", data, "--s3", ":0", "--http", ":0", "--log", "debug"];
    const server = new CliProcess(process.execPath, cliArguments(args), { environment });
    const [, http = ""] = await server.output(/^ready s3=\S+ http=(\S+)/m);
    const listed = await run(["ls"], { endpoint: http, environment });
    const denied = await run(["ls"], { endpoint: http });
    server.kill("SIGTERM");
    const ended = await server.finished();
    assert.equal(listed.code, 0);
    assert.equal(denied.code, 1);
    assert.match(denied.stderr, /InvalidAccessKey/);
    for (const said of [listed, denied, ended]) assert.doesNotMatch(said.stdout + said.stderr, /hush-hush/);
  });

  test("wrong usage exits with 2 and says why", async () => {
    const wrong = [
      ["frob"],
      [],
      ["ls", "s3://x"],
      ["dev", "--nodes", "0", "--ephemeral"],
      ["dev", "--consensus", "paxos"],
      ["server", "--data", "/nowhere/at/all", "--weight", "0"],
      ["server", "--data", "/nowhere/at/all", "--rpc", ":9000"],
      ["server", "--data", "/nowhere/at/all", "--join", "hfjoin1.AAAA"],
      ["cp", "a", "b"],
      ["mb"],
      ["ls", "--what"],
    ];
    const ends = await Promise.all(wrong.map((args) => run(args)));
    ends.forEach((end, i) => {
      assert.equal(end.code, 2, `${wrong[i]?.join(" ")}: ${end.stderr}`);
      assert.equal(end.stdout, "");
      assert.notEqual(end.stderr, "");
    });
  });

  test("a server's place in its cluster is kept in its config file, a join token nowhere", async (t) => {
    const data = await temporaryFolder(t);
    const listening = ["--s3", ":0", "--http", ":0", "--rpc", "127.0.0.1:0"];
    const server = new CliProcess(
      process.execPath,
      cliArguments(["server", "--data", data, ...listening, "--zone", "rack-2", "--weight", "7"]),
    );
    await server.output(/^ready /m);
    server.kill("SIGTERM");
    assert.equal((await server.finished()).code, 0);
    const config = await readFile(join(data, "config.yaml"), "utf8");
    assert.match(config, /^rpc: 127\.0\.0\.1:\d+\nzone: rack-2\nweight: 7$/m);
    const environment = { HOLDFAST_JOIN_TOKEN: "hfjoin1.AAAABBBB" };
    const refused = await run(["server", "--data", data], { environment });
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /HOLDFAST_JOIN_TOKEN: the join token cannot be used: it is incomplete/);
    assert.doesNotMatch(refused.stderr, /AAAABBBB/);
  });

  test("help is a result, with examples", async () => {
    const help = await run(["cp", "--help"]);
    assert.equal(help.code, 0);
    assert.match(help.stdout, /Examples:\n {2}holdfast cp/);
    const server = await run(["server", "--help"]);
    for (const flag of ["--rpc", "--zone", "--weight", "--join", "--consensus", "HOLDFAST_JOIN_TOKEN"])
      assert.ok(server.stdout.includes(flag), flag);
  });

  test("embedded: a store in this process, its data gone with it", async () => {
    const holdfast = await Holdfast.start({ nodes: 1, ephemeral: true });
    await holdfast.store.createBucket("photos");
    await holdfast.store.storeFile("photos/a", "hello");
    assert.equal(await (await holdfast.store.readFile("photos/a")).text(), "hello");
    assert.equal((await fetch(`${holdfast.s3Endpoint}/`)).status, 403);
    await holdfast.stop();
    await assert.rejects(stat(holdfast.data), { code: "ENOENT" });
    await assert.rejects(Holdfast.start({ nodes: 10 }), /from 1 to 9/);
  });

  test("embedded: data in a folder outlive the store", async (t) => {
    const data = await temporaryFolder(t);
    const first = await Holdfast.start({ data });
    await first.store.createBucket("kept");
    await first.stop();
    const second = await Holdfast.start({ data });
    t.after(() => second.stop());
    assert.deepEqual(
      (await second.store.listBuckets()).map(({ name }) => name),
      ["kept"],
    );
  });
});
