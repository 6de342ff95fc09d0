/** ListObjectVersions: in a bucket that never had versions each file is its own only version, named "null". */

import { formatIso8601, limits } from "@holdfast/base";
import type { FilePage, ListedFile } from "@holdfast/node";
import type { HttpResponse } from "@holdfast/ports";
import { quoted, xmlAnswer } from "../answer.ts";
import { countParameter, urlEncodingParameter } from "../query.ts";
import { invalidArgument } from "../s3-error.ts";
import type { S3Request } from "../s3-request.ts";
import { encodeForListing } from "../uri.ts";
import { element, leaf, optionalLeaf } from "../xml-writer.ts";
import { listedChecksum } from "./list-objects.ts";
import { ownerElement } from "./owner.ts";

export async function listObjectVersions(request: S3Request): Promise<HttpResponse> {
  const { query, bucket, service } = request;
  const encodeUrl = urlEncodingParameter(query);
  const encode = encodeUrl ? encodeForListing : (text: string): string => text;
  const limit = countParameter(query, "max-keys", limits.keysPerRequestMax, limits.keysPerRequestMax);
  const prefix = query.get("prefix") ?? "";
  const delimiter = query.get("delimiter") ?? "";
  const after = query.get("key-marker") ?? "";
  const versionMarker = query.get("version-id-marker") ?? "";
  checkVersionMarker(after, versionMarker);
  const { owner } = await service.files.bucket(bucket);
  const page: FilePage =
    limit === 0
      ? { files: [], prefixes: [], next: undefined }
      : await service.files.listFiles({ bucket, prefix, delimiter, after, limit });
  const { next } = page;
  return xmlAnswer(
    "ListVersionsResult",
    leaf("Name", bucket) +
      leaf("Prefix", encode(prefix)) +
      leaf("KeyMarker", encode(after)) +
      leaf("VersionIdMarker", versionMarker) +
      optionalLeaf("NextKeyMarker", next === undefined ? undefined : encode(next)) +
      optionalLeaf(
        "NextVersionIdMarker",
        next === page.files.at(-1)?.key && next !== undefined ? "null" : undefined,
      ) +
      optionalLeaf("Delimiter", delimiter === "" ? undefined : encode(delimiter)) +
      leaf("MaxKeys", limit) +
      optionalLeaf("EncodingType", encodeUrl ? "url" : undefined) +
      leaf("IsTruncated", next !== undefined) +
      page.files.map((file) => versionElement(file, encode, owner)).join("") +
      page.prefixes.map((common) => element("CommonPrefixes", leaf("Prefix", encode(common)))).join(""),
  );
}

function checkVersionMarker(keyMarker: string, versionMarker: string): void {
  if (versionMarker === "") return;
  if (keyMarker === "") {
    const message = "A version-id marker cannot be specified without a key marker.";
    throw invalidArgument("version-id-marker", versionMarker, message);
  }
  if (versionMarker !== "null") {
    throw invalidArgument("version-id-marker", versionMarker, "Invalid version id specified");
  }
}

function versionElement(file: ListedFile, encode: (text: string) => string, owner: string): string {
  return element(
    "Version",
    leaf("Key", encode(file.key)) +
      leaf("VersionId", "null") +
      leaf("IsLatest", true) +
      leaf("LastModified", formatIso8601(file.modifiedAtMs)) +
      leaf("ETag", quoted(file.etag)) +
      listedChecksum(file) +
      leaf("Size", file.bytes) +
      ownerElement("Owner", owner) +
      leaf("StorageClass", "STANDARD"),
  );
}
