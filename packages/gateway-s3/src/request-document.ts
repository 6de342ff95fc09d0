/** A small XML body, gathered whole and held against its length and digests before it is read. */

import { concatBytes, equalBytes, limits, StoreError, utf8Text } from "@holdfast/base";
import type { IncomingBody } from "@holdfast/node";
import { openBody } from "./incoming-body.ts";
import { S3Error } from "./s3-error.ts";
import type { S3Request } from "./s3-request.ts";
import type { XmlElement } from "./xml-reader.ts";
import { readXml } from "./xml-reader.ts";

/** Undefined for an empty body. */
export async function readDocument(request: S3Request, rootName: string): Promise<XmlElement | undefined> {
  // Clients that send no body often declare no length either.
  if (request.headers["content-length"] === undefined && request.headers["transfer-encoding"] === undefined) {
    return undefined;
  }
  const opened = openBody(request);
  if ((opened.body.bytes ?? 0) > limits.documentBytesMax) throw tooLong();
  const text = await opened.settle(gather(request, opened.body));
  return text === "" ? undefined : readXml(text, rootName);
}

export async function requireDocument(request: S3Request, rootName: string): Promise<XmlElement> {
  const document = await readDocument(request, rootName);
  if (document === undefined) throw new S3Error("MalformedXML");
  return document;
}

async function gather(request: S3Request, body: IncomingBody): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body.chunks) {
    bytes += chunk.length;
    if (bytes > limits.documentBytesMax) throw tooLong();
    chunks.push(chunk);
  }
  if (bytes !== body.bytes) throw new S3Error("IncompleteBody");
  const whole = concatBytes(chunks);
  for (const { algorithm, value } of body.expectedDigests()) {
    if (equalBytes(request.service.hashing.hash(algorithm, whole), value)) continue;
    throw new StoreError("ChecksumMismatch", `The body's ${algorithm} differs.`, { fields: { algorithm } });
  }
  try {
    return utf8Text(whole);
  } catch {
    throw new S3Error("MalformedXML");
  }
}

function tooLong(): S3Error {
  return new S3Error("MaxMessageLengthExceeded", undefined, {
    MaxMessageLengthBytes: limits.documentBytesMax,
  });
}
