/** The answer to a write, held against what was sent. */

import { StoreError } from "@holdfast/base";
import { crc32Text } from "./crc32-text.ts";
import type { StoredFile } from "./options.ts";
import type { Answer } from "./read-answer.ts";
import { notUnderstood } from "./read-answer.ts";

export function storedFile(answer: Answer, crc32: number): StoredFile {
  const { version, etag, bytes } = answer;
  if (typeof version !== "string" || typeof etag !== "string" || typeof bytes !== "number")
    throw notUnderstood();
  if (answer["crc32"] !== undefined && answer["crc32"] !== crc32Text(crc32)) {
    const message = "The stored file is not what was sent: its CRC-32 differs. Store it again.";
    throw new StoreError("ChecksumMismatch", message, { outcome: "applied", fields: { etag, version } });
  }
  return { version, etag, bytes };
}
