/** Answers of the successful kind; errors are in error-answer.ts. */

import { utf8 } from "@holdfast/base";
import type { HttpResponse } from "@holdfast/ports";
import { xmlDocument } from "./xml-writer.ts";

export type Headers = Readonly<Record<string, string>>;

export function xmlAnswer(rootName: string, content: string, headers: Headers = {}): HttpResponse {
  const body = utf8(xmlDocument(rootName, content));
  return {
    status: 200,
    headers: { "content-type": "application/xml", "content-length": String(body.length), ...headers },
    body,
  };
}

/** 200 without a body. */
export function emptyAnswer(headers: Headers = {}): HttpResponse {
  return { status: 200, headers: { "content-length": "0", ...headers }, body: undefined };
}

export const noContent: HttpResponse = { status: 204, headers: {}, body: undefined };

export function quoted(etag: string): string {
  return `"${etag}"`;
}
