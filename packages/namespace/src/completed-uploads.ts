/**
 * What completed uploads answered, kept for 24 hours of cluster time, so that a Complete sent again, by whatever gateway,
 * gets the first answer (S20). Expired ones answer nothing and are removed by later uploads, a few per entry.
 */

import type { BucketId, Codec, LogIndex } from "@holdfast/base";
import { branded, decode, encode, integer, record, text, versioned } from "@holdfast/base";
import type { StateReader } from "@holdfast/ports";
import { clusterTimeMs } from "./cluster-time.ts";
import type { EntryScope } from "./entry-scope.ts";
import {
  completedUploadKey,
  completedUploadTimeKey,
  lastNumber,
  marker,
  numbersKey,
  tables,
} from "./state-keys.ts";

export const completedUploadKeptMs: number = 24 * 60 * 60 * 1000;

/** More than one entry adds, so that the expired cannot pile up. */
const expiredPerEntry = 4;

export interface CompletedUpload {
  readonly upload: number;
  readonly bucket: BucketId;
  readonly key: string;
  readonly version: LogIndex;
  readonly etag: string;
  readonly bytes: number;
  /** Cluster time of the Complete. */
  readonly modifiedAtMs: number;
}

export const completedUploadCodec: Codec<CompletedUpload> = versioned(
  1,
  record({
    upload: integer,
    bucket: branded<BucketId>(),
    key: text,
    version: branded<LogIndex>(),
    etag: text,
    bytes: integer,
    modifiedAtMs: integer,
  }),
);

/** Undefined for uploads that were not completed, or longer than 24 hours before cluster time. */
export function findCompletedUpload(
  state: StateReader,
  bucket: BucketId,
  key: string,
  upload: number,
): CompletedUpload | undefined {
  return findKept(state, bucket, key, upload, clusterTimeMs(state));
}

export function findKept(
  state: StateReader,
  bucket: BucketId,
  key: string,
  upload: number,
  timeMs: number,
): CompletedUpload | undefined {
  const stored = state.get(completedUploadKey(upload));
  if (stored === undefined) return undefined;
  const completed = decode(completedUploadCodec, stored);
  if (completed.bucket !== bucket || completed.key !== key) return undefined;
  return completed.modifiedAtMs + completedUploadKeptMs > timeMs ? completed : undefined;
}

export function keepCompletedUpload({ state }: EntryScope, completed: CompletedUpload): void {
  state.put(completedUploadKey(completed.upload), encode(completedUploadCodec, completed));
  state.put(completedUploadTimeKey(completed.modifiedAtMs, completed.upload), marker);
}

export function expireCompletedUploads({ state, timeMs }: EntryScope): void {
  if (timeMs < completedUploadKeptMs) return;
  const from = numbersKey(tables.completedUploadTimes);
  const to = numbersKey(tables.completedUploadTimes, timeMs - completedUploadKeptMs + 1);
  for (const { key } of Array.from(state.range({ from, to, limit: expiredPerEntry }))) {
    state.remove(key);
    state.remove(completedUploadKey(lastNumber(key)));
  }
}
