/** A tree and a large file in and out by AWS SDK v3, as its users do it: bodies as streams, lib-storage for the large. */

import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { GetObjectCommand, PutObjectCommand, paginateListObjectsV2, S3Client } from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import type { Holdfast } from "holdfast";
import { fileNames } from "./tree.ts";

const concurrency = 16;

function clientOf(holdfast: Holdfast): S3Client {
  return new S3Client({
    endpoint: holdfast.s3Endpoint,
    region: "us-east-1",
    forcePathStyle: true,
    credentials: { accessKeyId: holdfast.accessKey, secretAccessKey: holdfast.secretKey },
  });
}

export async function writeTree(
  holdfast: Holdfast,
  Bucket: string,
  tree: string,
  bigFile: string,
): Promise<void> {
  const s3 = clientOf(holdfast);
  await eachOf(await fileNames(tree), async (name) => {
    const path = join(tree, name);
    const ContentLength = (await stat(path)).size;
    await s3.send(
      new PutObjectCommand({ Bucket, Key: `tree/${name}`, Body: createReadStream(path), ContentLength }),
    );
  });
  await new Upload({
    client: s3,
    params: { Bucket, Key: "big", Body: createReadStream(bigFile) },
    partSize: 16 * 1024 ** 2,
  }).done();
  s3.destroy();
}

export async function readTree(holdfast: Holdfast, Bucket: string, back: string): Promise<void> {
  const s3 = clientOf(holdfast);
  const keys: string[] = [];
  for await (const page of paginateListObjectsV2({ client: s3 }, { Bucket }))
    for (const { Key } of page.Contents ?? []) if (Key !== undefined) keys.push(Key);
  await eachOf(keys, async (Key) => {
    const path = join(back, Key);
    await mkdir(dirname(path), { recursive: true });
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
    if (!(Body instanceof Readable)) throw new Error(`${Key}: no body`);
    await pipeline(Body, createWriteStream(path));
  });
  s3.destroy();
}

async function eachOf(names: readonly string[], action: (name: string) => Promise<void>): Promise<void> {
  const rest = names.values();
  const worker = async (): Promise<void> => {
    for (const name of rest) await action(name);
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}
