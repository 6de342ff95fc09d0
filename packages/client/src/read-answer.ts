/** Documents of answers that are no failures. */

import { concatBytes, StoreError, utf8Text } from "@holdfast/base";
import { isRecord } from "./error-answer.ts";
import type { TransportResponse } from "./transport.ts";

export type Answer = Readonly<Record<string, unknown>>;

/** The JSON document of an answer that is no failure. */
export async function readAnswer(response: TransportResponse): Promise<Answer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of response.body) chunks.push(chunk);
  try {
    const document: unknown = JSON.parse(utf8Text(concatBytes(chunks)));
    if (isRecord(document)) return document;
  } catch (cause) {
    throw notUnderstood(cause);
  }
  throw notUnderstood();
}

export function notUnderstood(cause?: unknown): StoreError {
  return new StoreError(
    "Internal",
    "The answer is not one of a Holdfast node this client knows: check the endpoint.",
    { cause },
  );
}
