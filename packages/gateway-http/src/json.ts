/** JSON documents in and out. */

import { concatBytes, limits, StoreError, toHex, utf8, utf8Text } from "@holdfast/base";
import type { Hashing, HttpRequest, HttpResponse } from "@holdfast/ports";
import type { Payload } from "./authenticate.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

export function jsonAnswer(
  status: number,
  document: unknown,
  headers: Readonly<Record<string, string>> = {},
): HttpResponse {
  return {
    status,
    headers: { ...headers, "content-type": "application/json" },
    body: utf8(JSON.stringify(document)),
  };
}

/**
 * The body as one object, held against the hash that the signature covers; undefined for an empty body. BodyTooLarge above
 * limits.documentBytesMax, ChecksumMismatch, InvalidRequest for anything that is no JSON object.
 */
export async function readJson(
  request: HttpRequest,
  payload: Payload,
  hashing: Hashing,
): Promise<JsonObject | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.body) {
    bytes += chunk.length;
    if (bytes > limits.documentBytesMax) {
      throw new StoreError("BodyTooLarge", `A JSON document has at most ${limits.documentBytesMax} bytes.`);
    }
    chunks.push(chunk);
  }
  const body = concatBytes(chunks);
  if (payload.kind === "signed" && toHex(hashing.hash("sha256", body)) !== payload.sha256) {
    throw new StoreError("ChecksumMismatch", "The body is not the one that was signed.");
  }
  return bytes === 0 ? undefined : parseObject(body);
}

function parseObject(body: Uint8Array): JsonObject {
  try {
    const value: unknown = JSON.parse(utf8Text(body));
    if (isObject(value)) return value;
  } catch (cause) {
    throw new StoreError("InvalidRequest", "The body is not JSON in UTF-8.", { cause });
  }
  throw new StoreError("InvalidRequest", "The body is not a JSON object.");
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A member that this version does not know is refused: dropping it could change what was meant. */
export function refuseUnknownMembers(document: JsonObject, known: readonly string[]): void {
  for (const name of Object.keys(document)) {
    if (known.includes(name)) continue;
    throw new StoreError(
      "InvalidRequest",
      `Unknown member ${JSON.stringify(name)}; known are ${known.join(", ")}.`,
    );
  }
}
