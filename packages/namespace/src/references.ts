/**
 * Who refers to a content: a set in the content's home shard, never a counter (S5), so that adding and dropping may be
 * repeated. The set's size is kept beside it, in the same entry and only when membership changes, so that the last
 * drop is noticed without walking the set; a set without a size has one member, which is nearly every one.
 */

import type { ContentId } from "@holdfast/base";
import { assert, decode, encode, equalContentIds, integer } from "@holdfast/base";
import type { StateReader, StateWriter } from "@holdfast/ports";
import type { Content } from "./content.ts";
import { findContent, killContent, storeContent } from "./contents.ts";
import type { EntryScope, Refusal } from "./entry-scope.ts";
import { refusal } from "./entry-scope.ts";
import type { ContentBody } from "./file-version.ts";
import { pairsUnder } from "./key-ranges.ts";
import { enqueueDrop } from "./outbox.ts";
import { heldReferenceKey, marker, referenceCountKey, referenceKey, referencesOf } from "./state-keys.ts";
import type { Slice, SliceRequest, WalkedReference } from "./walks.ts";
import { walkReferences } from "./walks.ts";

export function hasReference(state: StateReader, content: ContentId, reference: ContentId): boolean {
  return state.get(referenceKey(content, reference)) !== undefined;
}

/** Size of a live content's set. */
export function referenceCount(state: StateReader, content: ContentId): number {
  const stored = state.get(referenceCountKey(content));
  return stored === undefined ? 1 : decode(integer, stored);
}

/** The set's size, counted: to be held against `referenceCount`. Stops at `limit`. */
export function countReferences(state: StateReader, content: ContentId, limit: number): number {
  let count = 0;
  for (const _ of pairsUnder(state, referencesOf(content), limit)) count++;
  return count;
}

/** A new content and its first reference: the attempt that committed it. */
export function createContent(scope: EntryScope, content: Content): void {
  storeContent(scope, content);
  scope.state.put(referenceKey(content.id, content.id), marker);
}

/**
 * The first step of a copy (S5). A dead content is never brought back: refused as FileNotFound, since the file that was to
 * be copied is gone or was replaced; the copy starts again from the file.
 */
export function addReference(
  { state, shard }: EntryScope,
  id: ContentId,
  reference: ContentId,
): Refusal | { readonly kind: "referenced"; readonly content: Content } {
  if (id.home !== shard) return refusal("InvalidRequest");
  const content = findContent(state, id);
  if (content === undefined || content.deadSinceMs !== undefined) return refusal("FileNotFound");
  if (!hasReference(state, id, reference)) {
    state.put(referenceKey(id, reference), marker);
    storeCount(state, id, referenceCount(state, id) + 1);
  }
  return { kind: "referenced", content };
}

/** Idempotent. The content dies with its last reference. */
export function dropReference(scope: EntryScope, id: ContentId, reference: ContentId): void {
  const { state, shard } = scope;
  if (id.home !== shard || !hasReference(state, id, reference)) return;
  const count = referenceCount(state, id) - 1;
  state.remove(referenceKey(id, reference));
  storeCount(state, id, count);
  if (count > 0) return;
  const content = findContent(state, id);
  assert(content !== undefined, "a reference has its content");
  killContent(scope, content);
}

/** A copy's version stands here from now on: its content's home shard may ask for it (S5). */
export function holdReference({ state }: EntryScope, reference: ContentId): void {
  state.put(heldReferenceKey(reference), marker);
}

/** Whether the version that an attempt of this shard committed as a copy still stands. */
export function isReferenceHeld(state: StateReader, reference: ContentId): boolean {
  return state.get(heldReferenceKey(reference)) !== undefined;
}

export type CopiedReference = WalkedReference;

/**
 * References of copies to contents homed here: what a copy that was cut off between adding its reference and committing
 * may have left (S5). Looks at `limit` references.
 */
export function copiedReferences(state: StateReader, request: SliceRequest): Slice<CopiedReference> {
  const { items, next } = walkReferences(state, request);
  return { items: items.filter(({ content, reference }) => !equalContentIds(content, reference)), next };
}

/** A version is gone, and with it its reference: dropped here, or sent to the content's home shard. */
export function releaseContent(scope: EntryScope, body: ContentBody | undefined): void {
  if (body === undefined) return;
  const { content, reference } = body;
  if (!equalContentIds(content, reference)) scope.state.remove(heldReferenceKey(reference));
  if (content.home === scope.shard) dropReference(scope, content, reference);
  else enqueueDrop(scope, { content, reference });
}

function storeCount(state: StateWriter, id: ContentId, count: number): void {
  if (count <= 1) state.remove(referenceCountKey(id));
  else state.put(referenceCountKey(id), encode(integer, count));
}
