import { formatIso8601 } from "@holdfast/base";
import type { BucketInfo } from "@holdfast/node";
import type { HttpResponse } from "@holdfast/ports";
import { xmlAnswer } from "../answer.ts";
import { makeToken, readToken } from "../continuation-token.ts";
import { invalidArgument } from "../s3-error.ts";
import type { S3Request } from "../s3-request.ts";
import { element, leaf, optionalLeaf } from "../xml-writer.ts";
import { ownerElement } from "./owner.ts";

const pageMax = 10_000;

/** The requester's own buckets; in pages for those who ask for pages. */
export async function listBuckets(request: S3Request): Promise<HttpResponse> {
  const { query, requester, service } = request;
  const { account } = requester;
  const prefix = query.get("prefix");
  const region = query.get("bucket-region");
  const token = query.get("continuation-token");
  const after = token === undefined ? "" : readToken(token);
  const limit = pageSize(query.get("max-buckets"));
  const isListed = ({ name, owner }: BucketInfo): boolean =>
    owner === account && name.startsWith(prefix ?? "") && name > after;
  const all = region === undefined || region === service.region ? await service.files.listBuckets() : [];
  const listed = all.filter(isListed);
  const page = listed.slice(0, limit);
  const last = page.at(-1);
  const next = last !== undefined && page.length < listed.length ? makeToken(last.name) : undefined;
  return xmlAnswer(
    "ListAllMyBucketsResult",
    ownerElement("Owner", account) +
      element("Buckets", page.map((bucket) => bucketElement(bucket, service.region)).join("")) +
      optionalLeaf("ContinuationToken", next) +
      optionalLeaf("Prefix", prefix),
  );
}

function bucketElement({ name, createdAtMs }: BucketInfo, region: string): string {
  const created = leaf("CreationDate", formatIso8601(createdAtMs));
  return element("Bucket", leaf("Name", name) + created + leaf("BucketRegion", region));
}

function pageSize(text: string | undefined): number {
  if (text === undefined) return Number.POSITIVE_INFINITY;
  const size = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (size >= 1 && size <= pageMax) return size;
  throw invalidArgument("max-buckets", text, `max-buckets is a number from 1 to ${pageMax}.`);
}
