/** Failures as the server reports them, turned back into StoreErrors. */

import type { ErrorCode, Outcome } from "@holdfast/base";
import { concatBytes, isErrorCode, StoreError, utf8Text } from "@holdfast/base";
import type { TransportResponse } from "./transport.ts";

export async function readError(
  response: TransportResponse,
  effect: "read" | "write" | "repeatable",
): Promise<StoreError> {
  const document = await readDocument(response);
  const headerCode = response.headers["x-holdfast-error"];
  const code = typeof document["code"] === "string" ? document["code"] : headerCode;
  if (code === undefined) return foreignError(response.status, effect);
  const { message, retryable, outcome, fields } = document;
  const known = isErrorCode(code);
  const text = typeof message === "string" ? message : `The server answered ${code}.`;
  const saidOutcome = outcomeOf(outcome ?? response.headers["x-holdfast-outcome"]);
  return new StoreError(known ? code : "Internal", known ? text : `${code}: ${text}`, {
    ...(typeof retryable === "boolean" ? { retryable } : {}),
    ...(saidOutcome === undefined ? {} : { outcome: saidOutcome }),
    fields: { ...fieldsOf(fields), status: response.status },
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
function foreignError(status: number, effect: "read" | "write" | "repeatable"): StoreError {
  const message = `Not a Holdfast node, or something before it, answered with status ${status}: check the endpoint.`;
  const options = { fields: { status } };
  if (status >= 500)
    return new StoreError(effect === "read" ? "Unavailable" : "OutcomeUnknown", message, options);
  const code: ErrorCode =
    status === 304 ? "NotModified" : status === 401 || status === 403 ? "AccessDenied" : "InvalidRequest";
  return new StoreError(code, message, options);
}
