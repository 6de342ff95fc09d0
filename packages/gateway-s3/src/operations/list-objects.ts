/** ListObjects, versions 1 and 2: the same pages, paged by a key or by an opaque token. */

import { formatIso8601, limits } from "@holdfast/base";
import type { FilePage, ListedFile } from "@holdfast/node";
import type { HttpResponse } from "@holdfast/ports";
import { xmlAnswer } from "../answer.ts";
import { checksumType } from "../checksum-headers.ts";
import { makeToken, readToken } from "../continuation-token.ts";
import { countParameter, urlEncodingParameter } from "../query.ts";
import type { S3Request } from "../s3-request.ts";
import { encodeForListing } from "../uri.ts";
import { element, escapeXml, leaf, optionalLeaf } from "../xml-writer.ts";
import { ownerElement } from "./owner.ts";

interface Listing {
  readonly prefix: string;
  readonly delimiter: string;
  readonly limit: number;
  readonly encodeUrl: boolean;
}

type Encode = (text: string) => string;

export async function listObjects(request: S3Request): Promise<HttpResponse> {
  const { query } = request;
  const listing = parseListing(request);
  const encode = encoderOf(listing);
  const marker = query.get("marker") ?? "";
  const [page, owner] = await Promise.all([readPage(request, listing, marker), bucketOwner(request)]);
  const next = listing.delimiter === "" ? undefined : page.next;
  return xmlAnswer(
    "ListBucketResult",
    commonElements(request, listing, page) +
      leaf("Marker", encode(marker)) +
      optionalLeaf("NextMarker", next === undefined ? undefined : encode(next)) +
      pageElements(page, encode, owner),
  );
}

export async function listObjectsV2(request: S3Request): Promise<HttpResponse> {
  const { query } = request;
  const listing = parseListing(request);
  const encode = encoderOf(listing);
  const startAfter = query.get("start-after");
  const token = query.get("continuation-token");
  const after = token === undefined ? (startAfter ?? "") : readToken(token);
  const withOwner = query.get("fetch-owner")?.toLowerCase() === "true";
  const [page, owner] = await Promise.all([
    readPage(request, listing, after),
    withOwner ? bucketOwner(request) : undefined,
  ]);
  return xmlAnswer(
    "ListBucketResult",
    commonElements(request, listing, page) +
      leaf("KeyCount", page.files.length + page.prefixes.length) +
      optionalLeaf("ContinuationToken", token) +
      optionalLeaf("NextContinuationToken", page.next === undefined ? undefined : makeToken(page.next)) +
      optionalLeaf("StartAfter", startAfter === undefined ? undefined : encode(startAfter)) +
      pageElements(page, encode, owner),
  );
}

function parseListing({ query }: S3Request): Listing {
  return {
    prefix: query.get("prefix") ?? "",
    delimiter: query.get("delimiter") ?? "",
    limit: countParameter(query, "max-keys", limits.keysPerRequestMax, limits.keysPerRequestMax),
    encodeUrl: urlEncodingParameter(query),
  };
}

function encoderOf(listing: Listing): Encode {
  return listing.encodeUrl ? encodeForListing : (text) => text;
}

/** A page of nothing is complete, as S3 has it; the bucket must be there all the same. */
async function readPage(request: S3Request, listing: Listing, after: string): Promise<FilePage> {
  const { files } = request.service;
  const { prefix, delimiter, limit } = listing;
  if (limit > 0) return files.listFiles({ bucket: request.bucket, prefix, delimiter, after, limit });
  await files.bucket(request.bucket);
  return { files: [], prefixes: [], next: undefined };
}

async function bucketOwner(request: S3Request): Promise<string> {
  const { owner } = await request.service.files.bucket(request.bucket);
  return owner;
}

function commonElements(request: S3Request, listing: Listing, page: FilePage): string {
  const encode = encoderOf(listing);
  return (
    leaf("Name", request.bucket) +
    leaf("Prefix", encode(listing.prefix)) +
    optionalLeaf("Delimiter", listing.delimiter === "" ? undefined : encode(listing.delimiter)) +
    leaf("MaxKeys", listing.limit) +
    optionalLeaf("EncodingType", listing.encodeUrl ? "url" : undefined) +
    leaf("IsTruncated", page.next !== undefined)
  );
}

function pageElements(page: FilePage, encode: Encode, owner: string | undefined): string {
  const ownerText = owner === undefined ? "" : ownerElement("Owner", owner);
  let content = "";
  for (const file of page.files) content += fileElement(file, encode, ownerText);
  for (const prefix of page.prefixes) content += element("CommonPrefixes", leaf("Prefix", encode(prefix)));
  return content;
}

/** Put together by hand, as a page has a thousand of them; what cannot hold a special character is not searched for one. */
function fileElement(file: ListedFile, encode: Encode, ownerText: string): string {
  const { key, modifiedAtMs, etag, bytes } = file;
  return (
    `<Contents><Key>${escapeXml(encode(key))}</Key><LastModified>${formatIso8601(modifiedAtMs)}</LastModified>` +
    `<ETag>&quot;${escapeXml(etag)}&quot;</ETag>${listedChecksum(file)}<Size>${bytes}</Size>${ownerText}` +
    "<StorageClass>STANDARD</StorageClass></Contents>"
  );
}

/** Which checksum a file was stored with. */
export function listedChecksum({ checksum }: ListedFile): string {
  if (checksum === undefined) return "";
  return (
    leaf("ChecksumAlgorithm", checksum.algorithm.toUpperCase()) +
    leaf("ChecksumType", checksumType(checksum.scope))
  );
}
