import { StoreError } from "@holdfast/base";
import type { BucketSettings } from "@holdfast/node";
import type { HttpResponse } from "@holdfast/ports";
import { emptyAnswer } from "../answer.ts";
import { readDocument } from "../request-document.ts";
import { invalidArgument, S3Error } from "../s3-error.ts";
import type { S3Request } from "../s3-request.ts";
import { childText } from "../xml-reader.ts";

export async function createBucket(request: S3Request): Promise<HttpResponse> {
  const { files, region } = request.service;
  const settings = requestedSettings(request.headers["x-holdfast-redundancy"]);
  await checkLocation(request);
  try {
    await files.createBucket({ name: request.bucket, owner: request.requester.account, settings });
  } catch (error) {
    if (!isOwnAlready(error) || region !== "us-east-1") throw error;
    // As S3 does in this one region: creating one's own bucket again succeeds and changes nothing.
  }
  return emptyAnswer({ location: `/${request.bucket}` });
}

function isOwnAlready(error: unknown): boolean {
  return error instanceof StoreError && error.code === "BucketAlreadyOwnedByYou";
}

/** Whether the cluster can keep it is for the store to say. */
function requestedSettings(redundancy: string | undefined): Partial<BucketSettings> {
  if (redundancy === undefined) return {};
  const [, replicas] = /^replicas:([1-9]\d?)$/.exec(redundancy) ?? [];
  if (replicas !== undefined)
    return { redundancy: { dataFragments: 1, parityFragments: Number(replicas) - 1 } };
  const [, data, parity] = /^erasure:([1-9]\d?)\+([1-9]\d?)$/.exec(redundancy) ?? [];
  if (data !== undefined)
    return { redundancy: { dataFragments: Number(data), parityFragments: Number(parity) } };
  const message = "x-holdfast-redundancy is replicas:N or erasure:K+M.";
  throw invalidArgument("x-holdfast-redundancy", redundancy, message);
}

async function checkLocation(request: S3Request): Promise<void> {
  const document = await readDocument(request, "CreateBucketConfiguration");
  if (document === undefined) return;
  for (const { name } of document.children) {
    if (name !== "LocationConstraint") throw new S3Error("NotImplemented", `${name} is not implemented.`);
  }
  const location = (childText(document, "LocationConstraint") ?? "").trim();
  if (location === "" || location === request.service.region) return;
  throw new S3Error("InvalidLocationConstraint", undefined, { LocationConstraint: location });
}
