import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { open, readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { nodeHashing, openDisk, openKeyValue, realClock, secureRandom } from "@holdfast/host";
import { noAttributes, startNode, unconditional } from "@holdfast/node";
import { silentJournal } from "@holdfast/ports";
import { Holdfast } from "holdfast";
import { run, temporaryFolder } from "./cli-process.ts";

interface Finding {
  readonly kind: string;
  readonly problem?: string;
  readonly files?: readonly string[];
  readonly clean?: boolean;
  readonly blocks?: number;
}

suite("command line: fsck and scrub", () => {
  let holdfast: Holdfast;
  const bodies = new Map<string, Buffer>();
  before(async () => {
    holdfast = await Holdfast.start({ ephemeral: true });
    await holdfast.store.createBucket("photos");
    for (const key of ["whole", "rotten", "deep/other"]) {
      const body = randomBytes(2_500_000);
      bodies.set(key, body);
      await holdfast.store.storeFile(`photos/${key}`, body);
    }
    await holdfast.store.storeFile("photos/small", "a few bytes");
  });
  after(() => holdfast.stop());

  const cli = (...args: readonly string[]): ReturnType<typeof run> =>
    run(args, { endpoint: holdfast.endpoint });
  const findings = (stdout: string): readonly Finding[] =>
    stdout
      .trimEnd()
      .split("\n")
      .map((line): Finding => JSON.parse(line));

  /** Flips a bit where the file's second block lies on the disk. */
  async function rot(key: string): Promise<void> {
    const folder = join(holdfast.data, "blocks");
    const sought = bodies.get(key)?.subarray(1024 * 1024, 1024 * 1024 + 64) ?? Buffer.alloc(0);
    for (const name of await readdir(folder)) {
      const path = join(folder, name);
      const place = (await readFile(path)).indexOf(sought);
      if (place < 0) continue;
      const file = await open(path, "r+");
      try {
        await file.write(Uint8Array.of((sought[0] ?? 0) ^ 1), 0, 1, place);
      } finally {
        await file.close();
      }
      return;
    }
    assert.fail("the block is not on the disk");
  }

  test("a healthy store is clean, shallow and deep, and exits 0", async () => {
    for (const flags of [[], ["--deep"]]) {
      const { code, stdout, stderr } = await cli("fsck", ...flags);
      assert.deepEqual([code, stderr], [0, ""]);
      assert.match(stdout, /^clean: 4 files, 9 blocks, 7\.2 MiB\n$/);
    }
    const scrub = await cli("scrub", "--wait");
    assert.deepEqual([scrub.code, scrub.stderr], [0, ""]);
    assert.match(scrub.stdout, /^9 blocks, 7\.2 MiB, none damaged, in /);
  });

  test("a rotten block is found: fsck --deep and scrub exit 1 and name the file", async () => {
    await rot("rotten");
    const within = await cli("fsck", "--deep", "hf://photos/deep/");
    assert.equal(within.code, 0, within.stdout);
    const deep = await cli("fsck", "--deep", "--json");
    assert.equal(deep.code, 1);
    const problems = findings(deep.stdout).filter(({ kind }) => kind === "problem");
    assert.deepEqual(
      problems.map(({ problem, files }) => [problem, files]),
      [["block-damaged", ["photos/rotten"]]],
    );
    assert.equal(findings(deep.stdout).at(-1)?.clean, false);
    const scrub = await cli("scrub", "--wait");
    assert.equal(scrub.code, 1);
    assert.match(scrub.stdout, /1 DAMAGED[^]*hf:\/\/photos\/rotten/);
    const status = await cli("status", "--json");
    assert.equal(status.code, 0);
  });

  test("scrub without --wait says that it began", async () => {
    const { code, stdout } = await cli("scrub");
    assert.equal(code, 0);
    assert.match(stdout, /has begun/);
  });

  test("a bucket that does not exist and a name that is none are refused", async () => {
    const missing = await cli("fsck", "hf://nowhere-1");
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /BucketNotFound/);
    assert.equal((await cli("fsck", "photos")).code, 2);
  });
});

test("space of deleted files comes back to the real disk while the node runs, log and state stay small", async (t) => {
  const data = await temporaryFolder(t);
  const disk = await openDisk(data);
  const node = await startNode(
    {
      clock: realClock,
      disk,
      openKeyValue: async (folder) => {
        await disk.makeFolder(folder);
        return openKeyValue(join(data, folder));
      },
      random: secureRandom,
      hashing: nodeHashing,
      journal: silentJournal,
    },
    {
      readerGraceMs: 1,
      collectIntervalMs: 50,
      compactIntervalMs: 50,
      checkpointIntervalMs: 20,
      segmentBytes: 1024 * 1024,
    },
  );
  t.after(() => node.stop());
  const { files } = node;
  await files.createBucket({ name: "photos", owner: "tests" });
  const store = (key: string, bytes: Buffer): Promise<unknown> => {
    const body = { chunks: chunksOf(bytes), bytes: bytes.length, expectedDigests: () => [] };
    const place = { bucket: "photos", key };
    return files.storeFile({ ...place, attributes: noAttributes, condition: unconditional, body });
  };
  for (let i = 0; i < 4; i++) await store(`f-${i}`, randomBytes(3_000_000));
  assert.ok((await bytesBelow(data, "blocks")) > 12_000_000);
  for (let i = 0; i < 4; i++)
    await files.deleteFile({ bucket: "photos", key: `f-${i}`, condition: unconditional });
  const deadline = AbortSignal.timeout(20_000);
  while ((await bytesBelow(data, "blocks")) > 100_000) await wait(50, undefined, { signal: deadline });
  // 24 MB of small files, written over each other.
  for (let round = 0; round < 50; round++)
    await Promise.all(Array.from({ length: 40 }, (_, i) => store(`small-${i}`, randomBytes(12_000))));
  const isSmall = async (): Promise<boolean> =>
    (await bytesBelow(data, "log")) < 6_000_000 && (await bytesBelow(data, "state")) < 8_000_000;
  while (!(await isSmall())) await wait(50, undefined, { signal: deadline });
});

async function* chunksOf(bytes: Buffer): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}

async function bytesBelow(data: string, folder: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(join(data, folder))) {
    // A volume or segment may go while it is looked at.
    const found = await stat(join(data, folder, name)).catch(() => undefined);
    bytes += found?.size ?? 0;
  }
  return bytes;
}
