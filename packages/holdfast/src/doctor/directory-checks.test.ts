import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, suite, test } from "node:test";
import { Holdfast } from "../holdfast.ts";
import { directoryReport } from "./directory-checks.ts";
import type { Finding } from "./finding.ts";

suite("doctor: a data directory", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "holdfast-test-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  async function found(check: string): Promise<Finding> {
    const { findings } = await directoryReport(folder);
    const finding = findings.find((each) => each.check === check);
    assert.ok(finding !== undefined, check);
    return finding;
  }

  test("that is missing, or is a file", async () => {
    for (const path of [join(folder, "none"), join(folder, "file")]) {
      if (path.endsWith("file")) await writeFile(path, "");
      const { findings, isServed } = await directoryReport(path);
      assert.deepEqual(
        findings.map(({ check, severity }) => [check, severity]),
        [["directory", "error"]],
      );
      assert.equal(isServed, false);
    }
  });

  test("that is new: nothing is wrong, and nothing is left behind", async () => {
    await chmod(folder, 0o700);
    const { findings } = await directoryReport(folder);
    const wrong = findings.filter(({ check, severity }) => severity !== "ok" && check !== "file-system");
    assert.deepEqual(wrong, []);
    assert.deepEqual(await readdir(folder), []);
  });

  test("that others may look into, or whose config file they may read", async () => {
    await chmod(folder, 0o755);
    assert.equal((await found("permissions")).severity, "warning");
    await writeFile(join(folder, "config.yaml"), "s3: 127.0.0.1:1\n", { mode: 0o644 });
    assert.equal((await found("config")).severity, "error");
    await chmod(join(folder, "config.yaml"), 0o600);
    assert.equal((await found("config")).severity, "ok");
  });

  test("whose config file is broken: its secrets are not quoted", async () => {
    await writeFile(join(folder, "config.yaml"), 'secretKey: "top-secret\n', { mode: 0o600 });
    const { severity, what } = await found("config");
    assert.equal(severity, "error");
    assert.ok(!what.includes("top-secret"));
  });

  test("that a newer Holdfast wrote, that is damaged, or that is not whole", async () => {
    const identity = join(folder, "identity.json");
    await writeFile(identity, JSON.stringify({ format: 99, clusterId: "c", nodeId: "n", complete: true }));
    assert.match((await found("identity")).what, /newer Holdfast/);
    await writeFile(identity, "{");
    assert.match((await found("identity")).what, /damaged/);
    await rm(identity);
    await mkdir(join(folder, "log"));
    await writeFile(join(folder, "log", "segment"), "");
    assert.match((await found("identity")).what, /not a whole data directory/);
  });

  test("that a node serves: by whom, and of which cluster; afterwards it is free", async () => {
    const holdfast = await Holdfast.start({ data: folder });
    try {
      assert.equal((await directoryReport(folder)).isServed, true);
      assert.match((await found("lock")).what, new RegExp(`process ${process.pid}$`));
      const { severity, what } = await found("identity");
      assert.equal(severity, "ok");
      assert.ok(what.includes((await holdfast.store.status()).clusterId));
    } finally {
      await holdfast.stop();
    }
    assert.equal((await directoryReport(folder)).isServed, false);
  });

  test("whose disk is measured by real syncs", async () => {
    const { what } = await found("sync");
    assert.match(what, /^4 KiB are durable in [\d.]+ ms, at most [\d.]+ ms \(\d+ writes\)$/);
  });
});
