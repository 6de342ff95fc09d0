/** Multipart uploads, as cases need them. */

import type {
  CompletedPart,
  CompleteMultipartUploadCommandInput,
  CompleteMultipartUploadCommandOutput,
  CreateMultipartUploadCommandInput,
  UploadPartCommandInput,
  UploadPartCommandOutput,
} from "@aws-sdk/client-s3";
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import type { Target } from "./target.ts";

export const MiB: number = 1024 * 1024;
/** The smallest that may stand before the last. */
export const partBytesMin: number = 5 * MiB;
export const fullPart: Uint8Array = new Uint8Array(partBytesMin).fill(0x61);

export interface OpenUpload {
  readonly Bucket: string;
  readonly Key: string;
  readonly UploadId: string;
}

export async function beginUpload(
  target: Target,
  more: Partial<CreateMultipartUploadCommandInput> = {},
): Promise<OpenUpload> {
  const name = { Bucket: target.bucket, Key: target.key("upload") };
  const { UploadId = "" } = await target.s3.send(new CreateMultipartUploadCommand({ ...name, ...more }));
  return { Bucket: more.Bucket ?? name.Bucket, Key: more.Key ?? name.Key, UploadId };
}

export function uploadPart(
  target: Target,
  upload: OpenUpload,
  PartNumber: number,
  Body: string | Uint8Array = "the end",
  more: Partial<UploadPartCommandInput> = {},
): Promise<UploadPartCommandOutput> {
  return target.s3.send(new UploadPartCommand({ ...upload, PartNumber, Body, ...more }));
}

export function completeUpload(
  target: Target,
  upload: OpenUpload,
  Parts: CompletedPart[],
  more: Partial<CompleteMultipartUploadCommandInput> = {},
): Promise<CompleteMultipartUploadCommandOutput> {
  return target.s3.send(
    new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts }, ...more }),
  );
}

/** A file of two parts: 5 MiB and a few bytes. */
export async function storeTwoParts(
  target: Target,
  create: Partial<CreateMultipartUploadCommandInput> = {},
): Promise<{
  readonly key: string;
  readonly completed: CompleteMultipartUploadCommandOutput;
  readonly parts: CompletedPart[];
}> {
  const upload = await beginUpload(target, create);
  const { ChecksumAlgorithm } = create;
  const parts: CompletedPart[] = [];
  for (const [i, body] of [fullPart, "the end"].entries()) {
    const { $metadata: _, ...part } = await uploadPart(target, upload, i + 1, body, { ChecksumAlgorithm });
    parts.push({ ...part, PartNumber: i + 1 });
  }
  return { key: upload.Key, completed: await completeUpload(target, upload, parts), parts };
}
