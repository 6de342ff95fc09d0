/**
 * Other people's S3 clients against a node: buckets, large files in parts, trees to and from, copies, signed URLs. What is
 * not installed is named, with the command that installs it, and counts as not run.
 */

import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { Holdfast } from "holdfast";
import { awsLane } from "./s3-clients/aws.ts";
import type { ClientLane, Surroundings } from "./s3-clients/client-lane.ts";
import { NotInstalledError } from "./s3-clients/client-lane.ts";
import { mcLane } from "./s3-clients/mc.ts";
import { rcloneLane } from "./s3-clients/rclone.ts";
import { s3cmdLane } from "./s3-clients/s3cmd.ts";
import { emptyFolder, fileDigest, treeDigest } from "./tree.ts";

const lanes: readonly ClientLane[] = [awsLane, s3cmdLane, rcloneLane, mcLane];

const names = [
  "plain",
  "with space",
  "plus+plus",
  "percent%20",
  "ä/ö/ü",
  "\u{1f600}",
  "a/b/c/d",
  "quote'quote",
  "empty",
];
const filesPerName = 5;
const largeBytes = 20 * 1024 ** 2 + 7;

export async function s3Clients(): Promise<boolean> {
  const work = await mkdtemp(join(tmpdir(), "holdfast-s3-clients-"));
  const holdfast = await Holdfast.start({ nodes: 1, data: join(work, "data") });
  const verdicts = { passed: 0, failed: 0, notRun: 0 };
  try {
    const tree = await makeSmallTree(join(work, "tree"));
    const large = join(work, "large");
    await writeFile(large, randomBytes(largeBytes));
    for (const lane of lanes) {
      const back = await emptyFolder(join(work, "back"));
      const { s3Endpoint: endpoint, accessKey, secretKey } = holdfast;
      const bucket = `clients-${lane.name}`;
      const place = { endpoint, accessKey, secretKey, bucket, tree, large, back };
      verdicts[await judge(lane, { ...place, same, contains, readable })]++;
    }
  } finally {
    await holdfast.stop();
    await rm(work, { recursive: true, force: true });
  }
  console.log(`${verdicts.passed} clients passed, ${verdicts.failed} failed, ${verdicts.notRun} not run`);
  return verdicts.failed === 0;
}

async function judge(lane: ClientLane, surroundings: Surroundings): Promise<"passed" | "failed" | "notRun"> {
  const version = await versionOf(lane);
  if (version === undefined) {
    console.log(`${lane.name}: NOT RUN, it is not installed: ${lane.howToInstall}`);
    return "notRun";
  }
  console.log(`${lane.name}: ${version}`);
  for (const { does, run } of lane.steps(surroundings)) {
    try {
      await run();
      console.log(`  ${does}`);
    } catch (error) {
      if (error instanceof NotInstalledError) {
        console.log(`  ${does}: NOT RUN, it needs more: ${error.message}`);
        continue;
      }
      console.log(`  ${does}: FAILED\n${error instanceof Error ? error.message : String(error)}`);
      return "failed";
    }
  }
  return "passed";
}

async function versionOf({ version: [command, ...args] }: ClientLane): Promise<string | undefined> {
  try {
    const { stdout, stderr } = await promisify(execFile)(command, args);
    return `${stdout}${stderr}`.split("\n")[0];
  } catch {
    return undefined;
  }
}

async function makeSmallTree(tree: string): Promise<string> {
  for (const name of names)
    for (let i = 0; i < filesPerName; i++) {
      const path = join(tree, `${name}-${i}`);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, name === "empty" ? "" : randomBytes(1 + i * 10_000));
    }
  return tree;
}

async function same(one: string, other: string): Promise<void> {
  const digest = async (path: string): Promise<string> =>
    (await stat(path)).isDirectory() ? treeDigest(path) : fileDigest(path);
  if ((await digest(one)) !== (await digest(other))) throw new Error(`${other} differs from ${one}`);
}

function contains(text: string, part: string): void {
  if (!text.includes(part)) throw new Error(`no "${part}" in:\n${text}`);
}

async function readable(url: string, file: string): Promise<void> {
  const answer = await fetch(url);
  const body = Buffer.from(await answer.arrayBuffer());
  if (answer.status !== 200) throw new Error(`${url}: ${answer.status} ${body.toString()}`);
  const copy = `${file}.fetched`;
  await writeFile(copy, body);
  await same(file, copy);
  await rm(copy);
}
