/** Failures as the server reports them, turned back into StoreErrors. */

import type { ErrorCode, Outcome } from "@holdfast/base";
import { concatBytes, isErrorCode, StoreError, utf8Text } from "@holdfast/base";
import type { Effect } from "./effect.ts";
import type { TransportResponse } from "./transport.ts";

export async function readError(response: TransportResponse, effect: Effect): Promise<StoreError> {
  const document = await readDocument(response);
  const code = document["code"] ?? response.headers["x-holdfast-error"];
  const outcome = document["outcome"] ?? response.headers["x-holdfast-outcome"];
  const { status } = response;
  return reportedError({ ...document, code, outcome }, { status }) ?? foreignError(status, effect);
}

/** Undefined when the document names no code. */
export function reportedError(
  document: Readonly<Record<string, unknown>>,
  more: Readonly<Record<string, number>> = {},
): StoreError | undefined {
  const { code, message, retryable, fields } = document;
  if (typeof code !== "string") return undefined;
  const known = isErrorCode(code);
  const text = typeof message === "string" ? message : `The server answered ${code}.`;
  const outcome = outcomeOf(document["outcome"]);
  return new StoreError(known ? code : "Internal", known ? text : `${code}: ${text}`, {
    ...(typeof retryable === "boolean" ? { retryable } : {}),
    ...(outcome === undefined ? {} : { outcome }),
    fields: { ...fieldsOf(fields), ...more },
  });
}

async function readDocument(response: TransportResponse): Promise<Readonly<Record<string, unknown>>> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of response.body) chunks.push(chunk);
    const document: unknown = JSON.parse(utf8Text(concatBytes(chunks)));
    return isRecord(document) ? document : {};
  } catch {
    // Whatever it was, it says no more than the status does.
    return {};
  }
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function outcomeOf(value: unknown): Outcome | undefined {
  return value === "not-applied" || value === "applied" || value === "unknown" ? value : undefined;
}

function fieldsOf(value: unknown): Record<string, string | number | boolean> {
  const fields: Record<string, string | number | boolean> = {};
  for (const [name, field] of isRecord(value) ? Object.entries(value) : []) {
    if (typeof field === "string" || typeof field === "number" || typeof field === "boolean")
      fields[name] = field;
  }
  return fields;
}

/** Something between here and the node answered: below 500 it passed nothing on, above nobody knows. */
function foreignError(status: number, effect: Effect): StoreError {
  const message = `Not a Holdfast node, or something before it, answered with status ${status}: check the endpoint.`;
  const options = { fields: { status } };
  if (status >= 500)
    return new StoreError(effect === "read" ? "Unavailable" : "OutcomeUnknown", message, options);
  const code: ErrorCode =
    status === 304 ? "NotModified" : status === 401 || status === 403 ? "AccessDenied" : "InvalidRequest";
  return new StoreError(code, message, options);
}
