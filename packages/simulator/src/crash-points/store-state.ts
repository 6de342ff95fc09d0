/** What a store holds after some steps of a script, as a value: step after step, nothing is ever changed in place. */

import type { Hashing } from "@holdfast/ports";
import type { Body, Piece } from "../model/body.ts";
import { etagOfPiece, etagOfUpload } from "../model/etag.ts";
import type { Name } from "../model/store-model.ts";
import { show } from "../model/store-model.ts";

export type Step =
  | { readonly kind: "create-bucket"; readonly bucket: string }
  | { readonly kind: "delete-bucket"; readonly bucket: string }
  | { readonly kind: "put"; readonly name: Name; readonly piece: Piece }
  | { readonly kind: "copy"; readonly from: Name; readonly name: Name }
  | { readonly kind: "delete"; readonly name: Name }
  | { readonly kind: "create-upload"; readonly upload: string; readonly name: Name }
  | { readonly kind: "put-part"; readonly upload: string; readonly part: number; readonly piece: Piece }
  | { readonly kind: "complete-upload"; readonly upload: string }
  | { readonly kind: "abort-upload"; readonly upload: string }
  /** Time in which the node's own work goes on: checkpoints, collection. */
  | { readonly kind: "wait"; readonly ms: number }
  | { readonly kind: "collect" };

export interface StoredBody extends Body {
  readonly etag: string;
}

export interface OpenUpload {
  readonly name: Name;
  readonly parts: ReadonlyMap<number, Piece>;
}

export interface StoreState {
  readonly buckets: readonly string[];
  readonly files: ReadonlyMap<string, StoredBody>;
  readonly uploads: ReadonlyMap<string, OpenUpload>;
}

export const emptyStore: StoreState = { buckets: [], files: new Map(), uploads: new Map() };

export function after(state: StoreState, step: Step, hashing: Hashing): StoreState {
  const { buckets, files, uploads } = state;
  switch (step.kind) {
    case "create-bucket":
      return { ...state, buckets: [...buckets, step.bucket].sort() };
    case "delete-bucket":
      return { ...state, buckets: buckets.filter((bucket) => bucket !== step.bucket) };
    case "put": {
      const body = { etag: etagOfPiece(hashing, step.piece), pieces: [step.piece] };
      return { ...state, files: withEntry(files, show(step.name), body) };
    }
    case "copy":
      return { ...state, files: withEntry(files, show(step.name), files.get(show(step.from))) };
    case "delete":
      return { ...state, files: withEntry(files, show(step.name), undefined) };
    case "create-upload":
      return { ...state, uploads: withEntry(uploads, step.upload, { name: step.name, parts: new Map() }) };
    case "put-part": {
      const upload = uploads.get(step.upload);
      const parts = withEntry(upload?.parts ?? new Map<number, Piece>(), step.part, step.piece);
      return { ...state, uploads: withEntry(uploads, step.upload, upload && { ...upload, parts }) };
    }
    case "complete-upload": {
      const upload = uploads.get(step.upload);
      if (upload === undefined) return state;
      const pieces = [...upload.parts].sort(([a], [b]) => a - b).map(([, piece]) => piece);
      const body = { etag: etagOfUpload(hashing, { pieces }), pieces };
      return {
        ...state,
        files: withEntry(files, show(upload.name), body),
        uploads: withEntry(uploads, step.upload, undefined),
      };
    }
    case "abort-upload":
      return { ...state, uploads: withEntry(uploads, step.upload, undefined) };
    case "wait":
    case "collect":
      return state;
  }
}

/** Everything a reader can find out about the state, in words: two stores alike have the same. */
export function describe({ buckets, files, uploads }: StoreState, hashing: Hashing): string {
  const lines = buckets.map((bucket) => `bucket ${bucket}`);
  for (const [name, { etag }] of files) lines.push(describeFile(name, etag));
  for (const { name, parts } of uploads.values()) {
    const etags = new Map([...parts].map(([part, piece]) => [part, etagOfPiece(hashing, piece)]));
    lines.push(describeUpload(show(name), etags));
  }
  return lines.sort().join("\n");
}

export function describeFile(name: string, etag: string): string {
  return `file ${name} ${etag}`;
}

export function describeUpload(name: string, etags: ReadonlyMap<number, string>): string {
  const parts = [...etags].sort(([a], [b]) => a - b).map(([part, etag]) => `${part}:${etag}`);
  return `upload ${name} ${parts.join(" ")}`;
}

function withEntry<Key, Value>(
  map: ReadonlyMap<Key, Value>,
  key: Key,
  value: Value | undefined,
): ReadonlyMap<Key, Value> {
  const next = new Map(map);
  if (value === undefined) next.delete(key);
  else next.set(key, value);
  return next;
}
