/** A StoreError on its way between nodes: what a caller may rely on crosses the wire, and no cause. */

import type { Codec, ErrorCode } from "@holdfast/base";
import { boolean, integer, isErrorCode, list, oneOf, record, StoreError, text } from "@holdfast/base";

export interface WireError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryable: boolean;
  readonly outcome: StoreError["outcome"];
  /** Of `fields`, those that are text or numbers. */
  readonly texts: readonly { readonly name: string; readonly value: string }[];
  readonly numbers: readonly { readonly name: string; readonly value: number }[];
}

const errorCodeCodec: Codec<ErrorCode> = {
  write: (writer, code) => text.write(writer, code),
  read: (reader) => {
    const code = text.read(reader);
    // A newer program may have codes that this one lacks; what they mean for the caller is said beside them.
    return isErrorCode(code) ? code : "Internal";
  },
};

export const wireErrorCodec: Codec<WireError> = record({
  code: errorCodeCodec,
  message: text,
  retryable: boolean,
  outcome: oneOf(["not-applied", "applied", "unknown"] as const),
  texts: list(record({ name: text, value: text })),
  numbers: list(record({ name: text, value: integer })),
});

export function wireError({ code, message, retryable, outcome, fields }: StoreError): WireError {
  const texts: { name: string; value: string }[] = [];
  const numbers: { name: string; value: number }[] = [];
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === "string") texts.push({ name, value });
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) numbers.push({ name, value });
  }
  return { code, message, retryable, outcome, texts, numbers };
}

export function storeError({ code, message, retryable, outcome, texts, numbers }: WireError): StoreError {
  const fields = Object.fromEntries([...texts, ...numbers].map(({ name, value }) => [name, value]));
  return new StoreError(code, message, { retryable, outcome, fields });
}
