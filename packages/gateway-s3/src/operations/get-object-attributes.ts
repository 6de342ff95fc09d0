/** GetObjectAttributes: what HeadObject and ListParts tell, of a file that is there. */

import { formatHttpDate, limits } from "@holdfast/base";
import type { FilePart, FilePartPage } from "@holdfast/node";
import type { HttpResponse } from "@holdfast/ports";
import { xmlAnswer } from "../answer.ts";
import { checksumElements, knownChecksum, partChecksumElement } from "../checksum-headers.ts";
import { refuseVersion } from "../query.ts";
import { invalidArgument } from "../s3-error.ts";
import type { S3Request } from "../s3-request.ts";
import { element, leaf, optionalLeaf } from "../xml-writer.ts";

type Part = (page: FilePartPage, ask: PartsAsked) => string;

interface PartsAsked {
  readonly afterPart: number;
  readonly limit: number;
}

const attributes: Readonly<Record<string, Part>> = {
  ETag: ({ file }) => leaf("ETag", file.etag),
  Checksum: ({ file }) => element("Checksum", checksumElements(knownChecksum(file), file.partCount)),
  ObjectParts: (page, ask) => partsElement(page, ask),
  StorageClass: () => leaf("StorageClass", "STANDARD"),
  ObjectSize: ({ file }) => leaf("ObjectSize", file.bytes),
};

export async function getObjectAttributes(request: S3Request): Promise<HttpResponse> {
  const { bucket, key, headers, query, service } = request;
  refuseVersion(query.get("versionId"));
  const asked = requestedAttributes(headers["x-amz-object-attributes"] ?? "");
  const ask = {
    afterPart: countHeader(headers, "x-amz-part-number-marker", 0, limits.partNumberMax),
    limit: countHeader(headers, "x-amz-max-parts", limits.keysPerRequestMax, limits.keysPerRequestMax),
  };
  const page = await service.files.listFileParts({ bucket, key, ...ask });
  let content = "";
  for (const [name, part] of Object.entries(attributes)) if (asked.has(name)) content += part(page, ask);
  return xmlAnswer("GetObjectAttributesResponse", content, {
    "last-modified": formatHttpDate(page.file.modifiedAtMs),
  });
}

function requestedAttributes(text: string): ReadonlySet<string> {
  const names = text.split(",").map((name) => name.trim());
  if (names.every((name) => Object.hasOwn(attributes, name))) return new Set(names);
  throw invalidArgument("x-amz-object-attributes", text, "Invalid attribute name specified.");
}

function countHeader(headers: S3Request["headers"], name: string, fallback: number, max: number): number {
  const text = headers[name];
  if (text === undefined) return fallback;
  if (/^\d{1,9}$/.test(text)) return Math.min(Number(text), max);
  throw invalidArgument(name, text, `Provided ${name} not an integer or within integer range`);
}

/** Nothing of a file stored in one piece; parts are listed only where they have checksums, which is all there is to tell. */
function partsElement({ file, parts, next }: FilePartPage, { afterPart, limit }: PartsAsked): string {
  if (file.partCount === undefined) return "";
  return element(
    "ObjectParts",
    leaf("PartsCount", file.partCount) +
      leaf("PartNumberMarker", afterPart) +
      optionalLeaf("NextPartNumberMarker", next ?? parts.at(-1)?.part) +
      leaf("MaxParts", limit) +
      leaf("IsTruncated", next !== undefined) +
      (file.checksum === undefined ? "" : parts.map(partElement).join("")),
  );
}

function partElement({ part, bytes, checksum }: FilePart): string {
  return element("Part", leaf("PartNumber", part) + leaf("Size", bytes) + partChecksumElement(checksum));
}
