/**
 * Multipart uploads, each the business of one client at a time: which parts are there, and whether it is still open.
 * What is unknown becomes known by listing, when nothing is under way.
 */

import { assert } from "@holdfast/base";
import type { Piece } from "./body.ts";
import type { Name, Uncertain } from "./store-model.ts";
import { show } from "./store-model.ts";
import { violated } from "./violation.ts";

export interface PartVersion {
  readonly etag: string;
  readonly piece: Piece;
}

interface PartRecord {
  acknowledged: PartVersion | undefined;
  /** Sent with unknown outcome since. */
  uncertain: PartVersion[];
}

/** A completion that was asked for; sent again it has to give the same answer. */
export interface Completion {
  readonly parts: readonly { readonly part: number; readonly etag: string }[];
  readonly etag: string;
}

export type UploadStatus = "open" | "completed" | "aborted" | "uncertain";

export interface ListedPart {
  readonly part: number;
  readonly etag: string;
  readonly bytes: number;
}

export class Upload {
  readonly name: Name;
  readonly uploadId: string;
  readonly tag: string;
  readonly #parts = new Map<number, PartRecord>();
  status: UploadStatus = "open";
  completion: Completion | undefined;
  /** The completion in the key's history while its outcome is unknown. */
  pending: Uncertain | undefined;
  /** A client works on it. */
  taken = false;

  constructor(name: Name, uploadId: string, tag: string) {
    this.name = name;
    this.uploadId = uploadId;
    this.tag = tag;
  }

  get text(): string {
    return `${show(this.name)} upload ${this.tag}`;
  }

  get partNumbers(): readonly number[] {
    return [...this.#parts.keys()].sort((a, b) => a - b);
  }

  stored(part: number, version: PartVersion): void {
    this.#parts.set(part, { acknowledged: version, uncertain: [] });
  }

  maybeStored(part: number, version: PartVersion): void {
    const record = this.#parts.get(part) ?? { acknowledged: undefined, uncertain: [] };
    record.uncertain.push(version);
    this.#parts.set(part, record);
  }

  /** Judges a listing of all parts, and takes it for the truth from now on. */
  observe(listed: readonly ListedPart[]): void {
    for (const number of this.partNumbers) {
      const record = this.#parts.get(number);
      const found = listed.find(({ part }) => part === number);
      if (found === undefined && record?.acknowledged !== undefined)
        violated(`${this.text}: part ${number}, acknowledged, is gone`);
      if (found === undefined) this.#parts.delete(number);
    }
    for (const { part, etag, bytes } of listed) {
      const record = this.#parts.get(part);
      const versions = [
        ...(record?.uncertain ?? []),
        ...(record?.acknowledged === undefined ? [] : [record.acknowledged]),
      ];
      const version = versions.find((one) => one.etag === etag && one.piece.bytes === bytes);
      if (version === undefined)
        violated(`${this.text}: part ${part} shows ${etag} with ${bytes} bytes, never sent so`);
      this.#parts.set(part, { acknowledged: version, uncertain: [] });
    }
  }

  /** The part as it must be; only when nothing about it is uncertain. */
  part(number: number): PartVersion {
    const record = this.#parts.get(number);
    assert(record?.acknowledged !== undefined && record.uncertain.length === 0, `part ${number} is known`);
    return record.acknowledged;
  }

  get isCertain(): boolean {
    return [...this.#parts.values()].every(
      ({ acknowledged, uncertain }) => acknowledged !== undefined && uncertain.length === 0,
    );
  }
}

export class UploadModel {
  readonly #uploads = new Map<string, Upload>();
  /** Keys of uploads whose creation has an unknown outcome: such ones may show up. */
  readonly #uncertainCreations: string[] = [];

  get all(): readonly Upload[] {
    return [...this.#uploads.values()];
  }

  created(name: Name, uploadId: string, tag: string): Upload {
    const upload = new Upload(name, uploadId, tag);
    const id = identity(name, uploadId);
    if (this.#uploads.has(id)) violated(`${upload.text}: its upload id was given before`);
    this.#uploads.set(id, upload);
    return upload;
  }

  maybeCreated(name: Name): void {
    this.#uncertainCreations.push(show(name));
  }

  /** Judges a listing of all open uploads of a bucket, made while nothing is under way; gives those nobody knows of. */
  observe(
    bucket: string,
    listed: readonly { readonly key: string; readonly uploadId: string }[],
  ): readonly string[] {
    const open = new Set(listed.map(({ key, uploadId }) => identity({ bucket, key }, uploadId)));
    for (const [id, upload] of this.#uploads) if (upload.name.bucket === bucket) settle(upload, open.has(id));
    const strangers = [...open].filter((id) => !this.#uploads.has(id));
    for (const id of strangers)
      if (!this.#uncertainCreations.some((name) => id.startsWith(`${name}?`)))
        violated(`${id}: an upload that nobody began`);
    return strangers;
  }
}

function settle(upload: Upload, isOpen: boolean): void {
  const { status, pending } = upload;
  if (status === "open" && !isOpen) violated(`${upload.text}: open, but not listed`);
  if ((status === "completed" || status === "aborted") && isOpen)
    violated(`${upload.text}: ${status}, but still listed`);
  if (status === "uncertain") {
    upload.status = isOpen ? "open" : pending === undefined ? "aborted" : "completed";
    if (isOpen) pending?.hadNone();
    else pending?.tookEffect();
  }
  upload.pending = undefined;
}

function identity({ bucket, key }: Name, uploadId: string): string {
  return `${bucket}/${key}?${uploadId}`;
}
