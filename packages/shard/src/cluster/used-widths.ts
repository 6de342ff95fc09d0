/**
 * Widths of which there may be content: those that a bucket ever had. A table of such a width never goes, since content keeps
 * the redundancy it was written with, and a copy may have taken it to a bucket of another one before its own was deleted.
 */

import type { Codec } from "@holdfast/base";
import { decode, encode, integer, list, versioned } from "@holdfast/base";
import type { BucketSettings } from "@holdfast/namespace";
import { listBuckets } from "@holdfast/namespace";
import type { StateReader, StateWriter } from "@holdfast/ports";
import { usedWidthsKey } from "./cluster-keys.ts";

export const usedWidthsCodec: Codec<readonly number[]> = versioned(1, list(integer));

/** Ascending. */
export function usedWidths(state: StateReader): readonly number[] {
  // Buckets may be older than this record.
  const ofBuckets = listBuckets(state).map(({ settings }) => widthOf(settings));
  return [...new Set([...noted(state), ...ofBuckets])].sort((a, b) => a - b);
}

/** In the entry that lets content of this redundancy come about. */
export function noteWidth(state: StateWriter, settings: BucketSettings): void {
  const known = noted(state);
  const width = widthOf(settings);
  if (known.includes(width)) return;
  const widths = [...known, width].sort((a, b) => a - b);
  state.put(usedWidthsKey, encode(usedWidthsCodec, widths));
}

function widthOf({ redundancy }: BucketSettings): number {
  return redundancy.dataFragments + redundancy.parityFragments;
}

function noted(state: StateReader): readonly number[] {
  const stored = state.get(usedWidthsKey);
  return stored === undefined ? [] : decode(usedWidthsCodec, stored);
}
