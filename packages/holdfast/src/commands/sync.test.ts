import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, suite, test } from "node:test";
import fc from "fast-check";
import { UsageError } from "../command-line/failure.ts";
import { Holdfast } from "../holdfast.ts";
import type { RecordedSession, Tree } from "./command-fixture.test.ts";
import {
  readRemoteTree,
  readTree,
  recordedSession,
  writeRemoteTree,
  writeTree,
} from "./command-fixture.test.ts";
import type { SyncFlags } from "./sync.ts";
import { sync } from "./sync.ts";

/** Names whose order by bytes, by code units and by folder differ; no name is both file and folder. */
const name = fc
  .array(fc.constantFrom("a", "a-b", "a.b", "a0", "ü", "\uffee", "😀", "B b"), { minLength: 0, maxLength: 2 })
  .chain((folders) =>
    fc.constantFrom("x", "x-", "x.txt", "y%2F", "\uffeez", "😀z").map((file) => {
      const path = folders.map((folder) => `d${folder}`);
      return [...path, `f${file}`].join("/");
    }),
  );
const tree = fc.dictionary(name, fc.constantFrom("", "one", "two", "longer"), {
  maxKeys: 12,
  noNullPrototype: true,
});

suite("sync", () => {
  let holdfast: Holdfast;
  let folder = "";
  let count = 0;
  let bucket = "";
  before(async () => {
    holdfast = await Holdfast.start({ ephemeral: true });
    folder = await mkdtemp(join(tmpdir(), "holdfast-sync-"));
  });
  after(async () => {
    await holdfast.stop();
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    bucket = `bucket-${++count}`;
    await holdfast.store.createBucket(bucket);
    await rm(join(folder, "here"), { recursive: true, force: true });
  });

  async function run(source: string, target: string, flags: SyncFlags = {}): Promise<RecordedSession> {
    const session = recordedSession(holdfast.store);
    await sync(session, [source, target], flags);
    return session;
  }

  function summary(session: RecordedSession): Record<string, unknown> {
    return session.results.at(-1) as Record<string, unknown>;
  }

  async function sure(source: string, target: string, flags: SyncFlags = {}): Promise<RecordedSession> {
    const session = await run(source, target, flags);
    assert.deepEqual(session.failures, []);
    return session;
  }

  test("with --delete both sides are equal afterwards, in every direction, and a second run copies nothing", async () => {
    const [here, there, other] = [join(folder, "here"), `hf://${bucket}/there/`, `hf://${bucket}/other/`];
    const local = (): Promise<Tree> => readTree(here);
    const remote = (place: string): Promise<Tree> =>
      readRemoteTree(holdfast.store, place.slice("hf://".length));
    await fc.assert(
      fc.asyncProperty(tree, tree, tree, async (one, two, three) => {
        await writeTree(here, one);
        await writeRemoteTree(holdfast.store, `${bucket}/there/`, two);
        await sure(here, there, { delete: true, checksum: true });
        assert.deepEqual({ ...(await remote(there)) }, { ...one });
        const again = summary(await sure(here, there, { delete: true, checksum: true }));
        assert.deepEqual([again["files"], again["deleted"]], [0, 0]);

        await writeTree(here, three);
        // A prefix without files is refused as a source, for fear of a slip.
        if (Object.keys(one).length > 0) {
          await sure(there, here, { delete: true, checksum: true });
          assert.deepEqual({ ...(await local()) }, { ...one });
          await writeRemoteTree(holdfast.store, `${bucket}/other/`, three);
          await sure(there, other, { delete: true, checksum: true });
          assert.deepEqual({ ...(await remote(other)) }, { ...one });
        }
      }),
      { numRuns: 25 },
    );
  });

  test("by size and time nothing is copied twice, in whichever direction it went", async () => {
    const here = join(folder, "here");
    await writeTree(here, { a: "1", "b/c": "22", "b-c": "333" });
    await utimes(join(here, "a"), 1_000_000_000.123456, 1_000_000_000.123456);
    const first = summary(await sure(here, `hf://${bucket}`));
    assert.deepEqual([first["files"], first["unchanged"]], [3, 0]);
    for (const [source, target] of [
      [here, `hf://${bucket}`],
      [`hf://${bucket}`, here],
    ] as const) {
      const again = summary(await sure(source, target));
      assert.deepEqual([again["files"], again["unchanged"]], [0, 3], target);
    }
    const back = join(folder, "back");
    await sure(`hf://${bucket}`, back);
    const upAgain = summary(await sure(back, `hf://${bucket}`));
    assert.deepEqual([upAgain["files"], upAgain["unchanged"]], [0, 3]);
    await writeFile(join(here, "a"), "2");
    assert.equal(summary(await sure(here, `hf://${bucket}`))["files"], 1);
    await rm(back, { recursive: true });
  });

  test("--delete removes exactly what the source lacks, and neither what is excluded nor what it did not list", async () => {
    const here = join(folder, "here");
    await writeTree(here, { keep: "k" });
    const others = { gone: "g", "keep.tmp": "t", "deep/gone": "g", "deep/keep.tmp": "t" };
    await writeRemoteTree(holdfast.store, `${bucket}/t/`, others);
    await holdfast.store.storeFile(`${bucket}/t2`, "not below t/");
    const patterns = [{ kind: "exclude", pattern: "*.tmp" }] as const;
    const dry = await sure(here, `hf://${bucket}/t`, { delete: true, dryRun: true, patterns });
    assert.equal(summary(dry)["deleted"], 2);
    assert.deepEqual({ ...(await readRemoteTree(holdfast.store, `${bucket}/t/`)) }, others);
    const done = await sure(here, `hf://${bucket}/t`, { delete: true, patterns });
    assert.equal(summary(done)["deleted"], 2);
    const { gone: _, "deep/gone": __, ...rest } = others;
    assert.deepEqual({ ...(await readRemoteTree(holdfast.store, `${bucket}/t/`)) }, { ...rest, keep: "k" });
    assert.equal(await (await holdfast.store.readFile(`${bucket}/t2`)).text(), "not below t/");
  });

  test("a source that is not there, or a prefix without files, deletes nothing", async () => {
    await holdfast.store.storeFile(`${bucket}/k`, "v");
    const missing = join(folder, "missing");
    await assert.rejects(run(missing, `hf://${bucket}`, { delete: true }), /ENOENT/);
    const here = join(folder, "here");
    await writeTree(here, { a: "1" });
    await assert.rejects(run(`hf://${bucket}/typo`, here, { delete: true }), /no files below/);
    assert.deepEqual(await readdir(here), ["a"]);
    await holdfast.store.statFile(`${bucket}/k`);
  });

  test("one entry that cannot be read keeps --delete from deleting anything", async () => {
    const here = join(folder, "here");
    await writeTree(here, { a: "1" });
    await symlink("nowhere", join(here, "broken"));
    await holdfast.store.storeFile(`${bucket}/extra`, "x");
    const session = await run(here, `hf://${bucket}`, { delete: true, followSymlinks: true });
    assert.deepEqual(session.failures, [`${join(here, "broken")}: ENOENT`]);
    assert.match(session.notes.join(), /nothing was deleted/);
    assert.deepEqual(Object.keys(await readRemoteTree(holdfast.store, `${bucket}/`)), ["a", "extra"]);
  });

  test("a failed copy keeps --delete from deleting anything", async () => {
    const here = join(folder, "here");
    await writeTree(here, { extra: "x" });
    await mkdir(join(here, "name"));
    await holdfast.store.storeFile(`${bucket}/name`, "a file where a folder is");
    const session = await run(`hf://${bucket}`, here, { delete: true });
    assert.equal(session.failures.length, 1);
    assert.deepEqual((await readdir(here)).sort(), ["extra", "name"]);
  });

  test("symbolic links and unfinished downloads in a local target stay", async () => {
    const here = join(folder, "here");
    await writeTree(here, { old: "x", ".big.holdfast-partial": "half", ".big.holdfast-partial.json": "{}" });
    await symlink("elsewhere", join(here, "link"));
    await holdfast.store.storeFile(`${bucket}/new`, "n");
    assert.equal(summary(await sure(`hf://${bucket}`, here, { delete: true }))["deleted"], 1);
    const left = [".big.holdfast-partial", ".big.holdfast-partial.json", "link", "new"];
    assert.deepEqual((await readdir(here)).sort(), left);
  });

  test("sides that lie one in the other are refused", async () => {
    for (const [source, target] of [
      ["a", "a/b"],
      ["a/b", "a"],
      ["", "a"],
      ["a", "a/"],
    ]) {
      const pair = [`hf://${bucket}/${source}`, `hf://${bucket}/${target}`] as const;
      await assert.rejects(run(...pair, { delete: true }), UsageError);
    }
  });
});
