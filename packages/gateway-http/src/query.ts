/** Parameters behind the "?". */

import { StoreError } from "@holdfast/base";

export class Query {
  readonly #values: ReadonlyMap<string, string>;

  /** InvalidArgument for text that is not percent-encoded UTF-8, and for a parameter given twice. */
  constructor(query: string) {
    const values = new Map<string, string>();
    for (const piece of query === "" ? [] : query.split("&")) {
      if (piece === "") continue;
      const split = piece.indexOf("=");
      const name = decodeFormText(split < 0 ? piece : piece.slice(0, split));
      if (values.has(name))
        throw new StoreError("InvalidArgument", `Give the parameter ${name} once.`, { fields: { name } });
      values.set(name, split < 0 ? "" : decodeFormText(piece.slice(split + 1)));
    }
    this.#values = values;
  }

  text(name: string): string | undefined {
    return this.#values.get(name);
  }

  /** InvalidArgument when it is missing. */
  requiredText(name: string): string {
    const value = this.#values.get(name);
    if (value === undefined)
      throw new StoreError("InvalidArgument", `The parameter ${name} is missing.`, { fields: { name } });
    return value;
  }

  /** A whole number from `min` to `max`; `otherwise` when it is not given. */
  integer(name: string, min: number, max: number, otherwise: number): number {
    const value = this.#values.get(name);
    if (value === undefined) return otherwise;
    const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
    if (number >= min && number <= max) return number;
    const message = `The parameter ${name} is a whole number from ${min} to ${max}.`;
    throw new StoreError("InvalidArgument", message, { fields: { name } });
  }
}

/** "+" is a space here, as forms send it and as signatures read it. */
function decodeFormText(text: string): string {
  return decodePercent(text.replaceAll("+", " "), "InvalidArgument");
}

/** Throws a StoreError of `code` on anything that is not percent-encoded UTF-8. */
export function decodePercent(
  text: string,
  code: "InvalidArgument" | "InvalidKey" | "InvalidBucketName",
): string {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new StoreError(code, "A name or value is not percent-encoded UTF-8.", { cause });
  }
}
