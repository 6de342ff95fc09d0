import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, suite, test } from "node:test";
import { resolveConfig } from "./config.ts";
import { readConfigFile, tryReadConfigFile, writeConfigFile } from "./config-file.ts";

suite("config file", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "holdfast-test-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  test("what is written is read back, and only the owner may read it", async () => {
    const config = resolveConfig([
      { data: folder, s3: ":7", rpc: ":8", zone: "rack-2", weight: 5 },
      { accessKey: "admin", secretKey: "a-secret-of-mine" },
    ]);
    await writeConfigFile(config);
    const path = join(folder, "config.yaml");
    assert.deepEqual(resolveConfig([await readConfigFile(path)]), config);
    assert.equal((await stat(path)).mode & 0o777, 0o600);
  });

  test("the data directory is the file's own folder, or relative to it", async () => {
    const path = join(folder, "node.yaml");
    await writeFile(path, "s3: 127.0.0.1:1\n");
    assert.equal((await readConfigFile(path)).data, folder);
    await writeFile(path, "data: store\n");
    assert.equal((await readConfigFile(path)).data, join(folder, "store"));
  });

  test("a broken file is refused without quoting it", async () => {
    const path = join(folder, "node.yaml");
    await writeFile(path, 'secretKey: "top-secret\n');
    await assert.rejects(
      readConfigFile(path),
      (error: Error) => !`${error.stack ?? ""}`.includes("top-secret"),
    );
    assert.match(await readFile(path, "utf8"), /top-secret/);
  });

  test("a missing file is undefined, or says what to do", async () => {
    assert.equal(await tryReadConfigFile(join(folder, "none.yaml")), undefined);
    await assert.rejects(readConfigFile(join(folder, "none.yaml")), /no config file/);
  });
});
