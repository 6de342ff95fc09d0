import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { chmod, mkdir, readdir, readFile, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { connect } from "@holdfast/client";
import { Holdfast } from "holdfast";
import { run, temporaryFolder } from "./cli-process.ts";

suite("command line: files", () => {
  let holdfast: Holdfast;
  let buckets = 0;
  before(async () => {
    holdfast = await Holdfast.start({ ephemeral: true });
  });
  after(() => holdfast.stop());

  async function newBucket(): Promise<string> {
    const bucket = `bucket-${++buckets}`;
    await holdfast.store.createBucket(bucket);
    return bucket;
  }

  async function ok(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await run(args, { endpoint: holdfast.endpoint });
    assert.equal(code, 0, stderr);
    assert.equal(stderr, "", "nothing but results when nobody watches");
    return stdout;
  }

  test("cp -r carries a tree there and back, with modes and times, and skips symbolic links", async (t) => {
    const folder = await temporaryFolder(t);
    const tree = join(folder, "tree");
    await mkdir(join(tree, "a/b c/ü"), { recursive: true });
    const files = { "top.txt": "top", "a/empty": "", "a/b c/ü/ñ %2F+?.bin": randomBytes(3_000_000) };
    for (const [name, content] of Object.entries(files)) await writeFile(join(tree, name), content);
    await chmod(join(tree, "top.txt"), 0o640);
    await chmod(join(tree, "a/empty"), 0o755);
    await utimes(join(tree, "top.txt"), 981_173_106.789, 981_173_106.789);
    await symlink("top.txt", join(tree, "link"));
    const bucket = await newBucket();
    assert.match(
      await ok("cp", "-r", tree, `hf://${bucket}/backup`),
      /^3 files, .*1 symbolic link skipped\n$/,
    );
    const back = join(folder, "back");
    await ok("cp", "-r", `hf://${bucket}/backup/`, back);
    assert.deepEqual(
      (await readdir(back, { recursive: true })).sort(),
      (await readdir(tree, { recursive: true })).filter((name) => name !== "link").sort(),
    );
    for (const name of Object.keys(files)) {
      assert.deepEqual(await readFile(join(back, name)), await readFile(join(tree, name)), name);
      const [was, is] = [await stat(join(tree, name)), await stat(join(back, name))];
      assert.equal(is.mode, was.mode, name);
      assert.ok(Math.abs(is.mtimeMs - was.mtimeMs) < 0.01, name);
    }
  });

  test("--follow-symlinks takes what links point to", async (t) => {
    const folder = await temporaryFolder(t);
    await mkdir(join(folder, "tree"));
    await writeFile(join(folder, "outside"), "x");
    await symlink("../outside", join(folder, "tree/link"));
    const bucket = await newBucket();
    await ok("cp", "-r", "--follow-symlinks", join(folder, "tree"), `hf://${bucket}`);
    assert.equal(await ok("cat", `hf://${bucket}/link`), "x");
  });

  test("keys that would leave the target folder are refused, the rest goes on, and no parts stay behind", async (t) => {
    const folder = await temporaryFolder(t);
    const bucket = await newBucket();
    for (const key of ["../evil", "/absolute", "a//b", "good"])
      await holdfast.store.storeFile(`${bucket}/${key}`, "x");
    const target = join(folder, "target");
    const copied = await run(["cp", "-r", `hf://${bucket}`, target, "--json"], {
      endpoint: holdfast.endpoint,
    });
    assert.equal(copied.code, 1);
    assert.equal(copied.stderr.match(/UnsafeKey/g)?.length, 3);
    assert.equal(JSON.parse(copied.stdout).failed, 3);
    assert.deepEqual(await readdir(folder), ["target"]);
    assert.deepEqual(await readdir(target), ["good"]);
  });

  test("a file that cannot be read is reported, the rest goes on, the exit code is 1", async (t) => {
    const folder = await temporaryFolder(t);
    await writeFile(join(folder, "good"), "x");
    const bucket = await newBucket();
    const args = ["cp", join(folder, "missing"), join(folder, "good"), `hf://${bucket}`];
    const copied = await run(args, { endpoint: holdfast.endpoint });
    assert.equal(copied.code, 1);
    assert.match(copied.stderr, /missing: ENOENT/);
    assert.equal(await ok("ls", `hf://${bucket}`), "good\n");
  });

  test("a dash is standard input and standard output", async () => {
    const bucket = await newBucket();
    const stored = await run(["cp", "-", `hf://${bucket}/in`], {
      endpoint: holdfast.endpoint,
      input: "from a pipe",
    });
    assert.equal(stored.code, 0, stored.stderr);
    assert.equal(await ok("cp", `hf://${bucket}/in`, "-"), "from a pipe");
    assert.equal(await ok("cat", `hf://${bucket}/in`, `hf://${bucket}/in`), "from a pipefrom a pipe");
  });

  test("mv removes each source that was copied, and never one that is its own target", async (t) => {
    const folder = await temporaryFolder(t);
    await writeFile(join(folder, "f"), "x");
    const bucket = await newBucket();
    await ok("mv", join(folder, "f"), `hf://${bucket}/one`);
    assert.deepEqual(await readdir(folder), []);
    await ok("mv", `hf://${bucket}/one`, `hf://${bucket}/folder/two`);
    assert.equal(await ok("ls", "-r", `hf://${bucket}`), "folder/two\n");
    for (const [source, target] of [
      ["folder/two", "folder/two"],
      ["folder/two", "folder/"],
    ]) {
      const same = await run(["mv", `hf://${bucket}/${source}`, `hf://${bucket}/${target}`], {
        endpoint: holdfast.endpoint,
      });
      assert.equal(same.code, 2);
    }
    const inside = await run(["mv", "-r", `hf://${bucket}/folder`, `hf://${bucket}/folder/deeper`], {
      endpoint: holdfast.endpoint,
    });
    assert.equal(inside.code, 2);
    await ok("mv", "-r", `hf://${bucket}/folder`, join(folder, "back"));
    assert.equal(await readFile(join(folder, "back/two"), "utf8"), "x");
    assert.equal(await ok("ls", "-r", `hf://${bucket}`), "");
  });

  test("ls shows one level, or all keys, as text and as JSON lines; du adds up", async () => {
    const bucket = await newBucket();
    for (const key of ["a/1", "a/2", "b"]) await holdfast.store.storeFile(`${bucket}/${key}`, "12345");
    assert.equal(await ok("ls", `hf://${bucket}`), "a/\nb\n");
    assert.equal(await ok("ls", "-r", `hf://${bucket}`), "a/1\na/2\nb\n");
    assert.match(await ok("ls", "-l", `hf://${bucket}/a/`), /^ +5 {2}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}1\n/);
    const lines = (await ok("ls", "--json", `hf://${bucket}/`))
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    assert.deepEqual(lines[0], { kind: "prefix", bucket, key: "a/" });
    assert.equal(lines[1].bytes, 5);
    const usage = JSON.parse(await ok("du", "--json", `hf://${bucket}/a`));
    assert.deepEqual(usage, { kind: "usage", bucket, key: "a/", bytes: 10, files: 2 });
  });

  test("du adds up per folder, and in all", async () => {
    const bucket = await newBucket();
    for (const key of ["a/1", "a/b/2", "a-b", "c/3"])
      await holdfast.store.storeFile(`${bucket}/${key}`, "12345");
    const rows = (await ok("du", "--depth", "1", "-c", "--json", `hf://${bucket}`)).trimEnd().split("\n");
    assert.deepEqual(
      rows.map((row) => JSON.parse(row)).map(({ kind, key, bytes, files }) => [kind, key, bytes, files]),
      [
        ["usage", "a/", 10, 2],
        ["usage", "c/", 5, 1],
        ["usage", "", 20, 4],
        ["total", undefined, 20, 4],
      ],
    );
  });

  test("cat gives ranges; cp --if-none-match replaces nothing, in either direction", async (t) => {
    const folder = await temporaryFolder(t);
    const path = join(folder, "f");
    await writeFile(path, "new");
    const bucket = await newBucket();
    await holdfast.store.storeFile(`${bucket}/f`, "0123456789");
    for (const [range, expected] of [
      ["2-4", "234"],
      ["7-", "789"],
      ["-2", "89"],
    ] as const)
      assert.equal(await ok("cat", `--range=${range}`, `hf://${bucket}/f`), expected);
    const refused = (...args: readonly string[]) => run(args, { endpoint: holdfast.endpoint });
    assert.equal((await refused("cat", "--range", "4-2", `hf://${bucket}/f`)).code, 2);
    assert.match(
      (await refused("cp", "--if-none-match", path, `hf://${bucket}/f`)).stderr,
      /ConditionFailed/,
    );
    assert.match((await refused("cp", "--if-none-match", `hf://${bucket}/f`, path)).stderr, /FileExists/);
    assert.equal(await readFile(path, "utf8"), "new");
    assert.equal(await ok("cat", `hf://${bucket}/f`), "0123456789");
  });

  test("patterns choose what cp -r and rm -r take; a dry run takes nothing", async (t) => {
    const folder = await temporaryFolder(t);
    for (const name of ["a.txt", "b.tmp", "keep.tmp"]) await writeFile(join(folder, name), "x");
    const bucket = await newBucket();
    const filter = ["--exclude", "*.tmp", "--include", "keep.*"];
    const dry = await ok("cp", "-r", "--dry-run", ...filter, folder, `hf://${bucket}`);
    assert.match(dry, /would copy .*a\.txt -> /);
    assert.equal(await ok("ls", `hf://${bucket}`), "");
    await ok("cp", "-r", ...filter, folder, `hf://${bucket}`);
    assert.equal(await ok("ls", `hf://${bucket}`), "a.txt\nkeep.tmp\n");
    assert.equal(await ok("rm", "-r", "--exclude", "*.txt", `hf://${bucket}`), "1 file removed\n");
  });

  test("rm -r removes what is below a name, and nothing that only begins like it", async () => {
    const bucket = await newBucket();
    for (const key of ["a/1", "a/b/2", "ab"]) await holdfast.store.storeFile(`${bucket}/${key}`, "x");
    assert.equal(await ok("rm", "-r", `hf://${bucket}/a`), "2 files removed\n");
    assert.equal(await ok("ls", "-r", `hf://${bucket}`), "ab\n");
    const missing = await run(["rm", `hf://${bucket}/none`], { endpoint: holdfast.endpoint });
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /FileNotFound/);
    await ok("rm", "-f", `hf://${bucket}/none`);
    const full = await run(["rb", `hf://${bucket}`, "--json"], { endpoint: holdfast.endpoint });
    assert.equal(JSON.parse(full.stderr).error.code, "BucketNotEmpty");
    await ok("rm", `hf://${bucket}/ab`);
    await ok("rb", `hf://${bucket}`);
  });

  test("stat and status say what the store knows, as JSON for scripts", async (t) => {
    const folder = await temporaryFolder(t);
    await writeFile(join(folder, "page.html"), "<p>");
    const bucket = await newBucket();
    await ok("cp", join(folder, "page.html"), `hf://${bucket}/`);
    const known = JSON.parse(await ok("stat", "--json", `hf://${bucket}/page.html`));
    assert.equal(known.bytes, 3);
    assert.equal(known.contentType, "text/html; charset=utf-8");
    assert.match(known.userMetadata.mode, /^0\d{3}$/);
    const status = JSON.parse(await ok("status", "--json"));
    assert.equal(status.ready, true);
    assert.equal(status.shards.length, 16);
  });

  test("thousands of small files go in and come back", async (t) => {
    const folder = await temporaryFolder(t);
    await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        await mkdir(join(folder, `tree/${i}`), { recursive: true });
        for (let j = 0; j < 100; j++) await writeFile(join(folder, `tree/${i}/${j}`), `${i} ${j}`);
      }),
    );
    const bucket = await newBucket();
    const summary = JSON.parse(await ok("cp", "-r", "--json", join(folder, "tree"), `hf://${bucket}`));
    assert.equal(summary.files, 2000);
    const store = await connect(holdfast);
    t.after(() => store.close());
    let found = 0;
    for await (const entry of store.listFiles(bucket)) if (entry.kind === "file") found++;
    assert.equal(found, 2000);
    await ok("cp", "-r", `hf://${bucket}`, join(folder, "back"));
    assert.equal(await readFile(join(folder, "back/19/99"), "utf8"), "19 99");
  });

  test("without a store to speak to, the error names the address and what to do", async () => {
    const listed = await run(["ls"], { endpoint: "http://127.0.0.1:1" });
    assert.equal(listed.code, 1);
    assert.match(
      listed.stderr,
      /Unavailable: http:\/\/127\.0\.0\.1:1 cannot be reached.*\n {2}next: .*holdfast dev/,
    );
  });
});
