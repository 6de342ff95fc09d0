import { limits, utf8 } from "@holdfast/base";
import type { Refusal } from "./entry-scope.ts";
import { refusal } from "./entry-scope.ts";

/**
 * A file's key in UTF-8, or why it cannot be one. Keys hold no zero byte: it separates keys from upload numbers
 * (state-keys.ts), and no protocol in front of the store can carry it.
 */
export function fileKeyBytes(key: string): Uint8Array | Refusal {
  const bytes = utf8(key);
  if (bytes.length > limits.keyBytesMax) return refusal("KeyTooLong");
  if (bytes.length === 0 || bytes.includes(0)) return refusal("InvalidKey");
  return bytes;
}

export function isRefusal<T extends object>(value: T | Refusal): value is Refusal {
  return "kind" in value && value.kind === "refused";
}
