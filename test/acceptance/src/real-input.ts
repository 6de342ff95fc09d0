/**
 * A tree of at least 10,000 real files and a file of 2 GiB go in by three clients and come back byte for byte: the
 * project's own command line, AWS SDK v3, and s3cmd from Debian.
 */

import { execFile, spawn, spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { Holdfast } from "holdfast";
import { readTree, writeTree } from "./sdk-transfer.ts";
import { emptyFolder, fileDigest, makeBigFile, makeTree, treeDigest } from "./tree.ts";

const checkout = resolve(import.meta.dirname, "../../..");

interface Lane {
  readonly name: string;
  /** Stores the tree below `tree/` and the big file as `big` in the bucket, then brings both back into the folder. */
  readonly run: (input: Input, back: string) => Promise<void>;
}

interface Input {
  readonly holdfast: Holdfast;
  readonly bucket: string;
  readonly tree: string;
  readonly bigFile: string;
}

const lanes: readonly Lane[] = [
  { name: "holdfast cp -r", run: byCommandLine },
  { name: "AWS SDK v3", run: bySdk },
  { name: "s3cmd", run: byS3cmd },
];

export async function realInput(): Promise<boolean> {
  const work = await mkdtemp(join(tmpdir(), "holdfast-real-input-"));
  const holdfast = await Holdfast.start({ nodes: 1, data: join(work, "data") });
  try {
    const tree = join(work, "tree");
    const bigFile = join(work, "big");
    const files = await makeTree(checkout, tree);
    await makeBigFile(bigFile);
    const expected = { tree: await treeDigest(tree), big: await fileDigest(bigFile) };
    console.log(`input: ${files} files and one of 2 GiB`);
    let passed = 0;
    for (const [i, lane] of lanes.entries()) {
      const startedMs = performance.now();
      const back = await emptyFolder(join(work, "back"));
      const bucket = `real-input-${i}`;
      await holdfast.store.createBucket(bucket);
      await lane.run({ holdfast, bucket, tree, bigFile }, back);
      const found = { tree: await treeDigest(join(back, "tree")), big: await fileDigest(join(back, "big")) };
      const same = found.tree === expected.tree && found.big === expected.big;
      const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
      console.log(`${lane.name}: ${same ? "byte for byte" : "DIFFERENT"} (${seconds} s in and out)`);
      if (same) passed++;
    }
    console.log(`${passed} passed, ${lanes.length - passed} failed`);
    return passed === lanes.length;
  } finally {
    await holdfast.stop();
    await rm(work, { recursive: true, force: true });
  }
}

async function byCommandLine({ holdfast, bucket, tree, bigFile }: Input, back: string): Promise<void> {
  const cli = join(checkout, "packages/holdfast/src/cli.ts");
  const environment = {
    ...process.env,
    HOLDFAST_ENDPOINT: holdfast.endpoint,
    HOLDFAST_ACCESS_KEY: holdfast.accessKey,
    HOLDFAST_SECRET_KEY: holdfast.secretKey,
  };
  const run = async (...args: readonly string[]): Promise<void> => {
    const node = spawn(process.execPath, ["--conditions=holdfast-source", cli, ...args], {
      env: environment,
      stdio: ["ignore", "ignore", "inherit"],
    });
    const { promise, resolve: done, reject } = Promise.withResolvers<void>();
    node.on("error", reject);
    node.on("exit", (code) =>
      code === 0 ? done() : reject(new Error(`holdfast ${args.join(" ")}: exit ${code}`)),
    );
    await promise;
  };
  await run("cp", "-r", tree, `hf://${bucket}/tree`);
  await run("cp", bigFile, `hf://${bucket}/big`);
  await run("cp", "-r", `hf://${bucket}/tree`, join(back, "tree"));
  await run("cp", `hf://${bucket}/big`, join(back, "big"));
}

async function bySdk({ holdfast, bucket, tree, bigFile }: Input, back: string): Promise<void> {
  await writeTree(holdfast, bucket, tree, bigFile);
  await readTree(holdfast, bucket, back);
}

async function byS3cmd({ holdfast, bucket, tree, bigFile }: Input, back: string): Promise<void> {
  if (spawnSync("s3cmd", ["--version"]).status !== 0)
    throw new Error("s3cmd is not installed: apt-get install s3cmd");
  const host = new URL(holdfast.s3Endpoint).host;
  const common = [
    `--host=${host}`,
    `--host-bucket=${host}`,
    "--no-ssl",
    `--access_key=${holdfast.accessKey}`,
    `--secret_key=${holdfast.secretKey}`,
    "--no-progress",
    "--quiet",
    "--config=/dev/null",
    "--no-preserve",
  ];
  const run = (...args: readonly string[]): Promise<unknown> =>
    promisify(execFile)("s3cmd", [...common, ...args], { maxBuffer: 64 * 1024 ** 2 });
  await run("put", "--recursive", `${tree}/`, `s3://${bucket}/tree/`);
  await run("put", bigFile, `s3://${bucket}/big`);
  await emptyFolder(join(back, "tree"));
  await run("get", "--recursive", `s3://${bucket}/tree/`, `${back}/tree/`);
  await run("get", `s3://${bucket}/big`, join(back, "big"));
}
