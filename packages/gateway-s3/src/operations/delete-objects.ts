/** DeleteObjects: up to 1,000 files in one request, each with its own result. */

import { limits } from "@holdfast/base";
import { checksumAlgorithms, unconditional } from "@holdfast/node";
import type { HttpResponse } from "@holdfast/ports";
import { xmlAnswer } from "../answer.ts";
import { checksumHeader } from "../checksum-headers.ts";
import { etagMatch } from "../condition-headers.ts";
import { failureOf } from "../error-answer.ts";
import { refuseVersion } from "../query.ts";
import { requireDocument } from "../request-document.ts";
import { checkKeyLength } from "../request-target.ts";
import { S3Error } from "../s3-error.ts";
import type { S3Request } from "../s3-request.ts";
import type { XmlElement } from "../xml-reader.ts";
import { childText } from "../xml-reader.ts";
import { element, leaf } from "../xml-writer.ts";

interface NamedFile {
  readonly key: string;
  readonly version: string | undefined;
  readonly etag: string | undefined;
  /** Conditions that are not built, by element name. */
  readonly unknownCondition: string | undefined;
}

/** Deletes under way at once: enough to share the log's batches, few enough not to crowd out other requests. */
const deletesAtOnceMax = 32;

export async function deleteObjects(request: S3Request): Promise<HttpResponse> {
  requireChecksum(request);
  const document = await requireDocument(request, "Delete");
  const named = namedFiles(document);
  const quiet = childText(document, "Quiet")?.trim().toLowerCase() === "true";
  // A bucket that is not there is the request's error, not each file's.
  await request.service.files.bucket(request.bucket);
  let results = "";
  for (let i = 0; i < named.length; i += deletesAtOnceMax) {
    const batch = named.slice(i, i + deletesAtOnceMax);
    results += (await Promise.all(batch.map((file) => deleteOne(request, file, quiet)))).join("");
  }
  return xmlAnswer("DeleteResult", results);
}

/** S3 asks for it, so that a damaged list never deletes the wrong files. */
function requireChecksum({ headers }: S3Request): void {
  const checksums = checksumAlgorithms.map(checksumHeader);
  if (headers["content-md5"] !== undefined || headers["x-amz-trailer"] !== undefined) return;
  if (checksums.some((name) => headers[name] !== undefined)) return;
  throw new S3Error("InvalidRequest", "Missing required header for this request: Content-MD5");
}

function namedFiles(document: XmlElement): readonly NamedFile[] {
  const objects = document.children.filter((child) => child.name === "Object");
  if (objects.length === 0 || objects.length > limits.keysPerRequestMax) throw new S3Error("MalformedXML");
  return objects.map((object) => {
    const key = childText(object, "Key");
    if (key === undefined || key === "") throw new S3Error("MalformedXML");
    const unknownCondition = ["LastModifiedTime", "Size"].find(
      (name) => childText(object, name) !== undefined,
    );
    const version = childText(object, "VersionId");
    return { key, version, etag: childText(object, "ETag"), unknownCondition };
  });
}

/** The file's element in the answer: deleted, or why not. */
async function deleteOne(request: S3Request, file: NamedFile, quiet: boolean): Promise<string> {
  const { key, version, etag, unknownCondition } = file;
  const names = leaf("Key", key) + (version === undefined ? "" : leaf("VersionId", version));
  try {
    if (unknownCondition !== undefined) {
      throw new S3Error("NotImplemented", `The condition ${unknownCondition} is not implemented.`);
    }
    checkKeyLength(key);
    refuseVersion(version);
    const condition =
      etag === undefined ? unconditional : { ifMatch: etagMatch(etag, "strong"), ifNoneMatch: undefined };
    await request.service.files.deleteFile({ bucket: request.bucket, key, condition });
    return quiet ? "" : element("Deleted", names);
  } catch (error) {
    const { code, message } = failureOf(error);
    return element("Error", names + leaf("Code", code) + leaf("Message", message));
  }
}
