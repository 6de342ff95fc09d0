import { refusal } from "../refusal.ts";

/** Upload ids are opaque outside: the upload's number, which is unique in the shard that its key names. */
export function uploadIdText(number: number): string {
  return number.toString(16).padStart(16, "0");
}

/** UploadNotFound for what was never an upload id. */
export function uploadNumber(id: string): number {
  const number = /^[0-9a-f]{16}$/.test(id) ? Number.parseInt(id, 16) : Number.NaN;
  if (!Number.isSafeInteger(number)) throw refusal("UploadNotFound", id.slice(0, 64));
  return number;
}
