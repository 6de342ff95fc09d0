/** Members that a document must have: without them the answer is not understood. */

import { isRecord } from "./error-answer.ts";
import { notUnderstood } from "./read-answer.ts";

export function numberIn(document: unknown, member: string): number {
  const value = isRecord(document) ? document[member] : undefined;
  if (typeof value !== "number") throw notUnderstood();
  return value;
}

export function textIn(document: unknown, member: string): string {
  const value = isRecord(document) ? document[member] : undefined;
  if (typeof value !== "string") throw notUnderstood();
  return value;
}

export function listIn(document: unknown, member: string): readonly unknown[] {
  const value = isRecord(document) ? document[member] : undefined;
  if (!Array.isArray(value)) throw notUnderstood();
  return value;
}
