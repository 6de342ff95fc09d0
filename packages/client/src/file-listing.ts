/** Files by prefix, page after page. */

import { isRecord } from "./error-answer.ts";
import { bucketPath, queryText } from "./file-name.ts";
import type { Answer } from "./read-answer.ts";
import { notUnderstood } from "./read-answer.ts";
import type { Requests } from "./requests.ts";

export interface ListFilesOptions {
  /** Names that have it behind the prefix are summed up as one entry of kind "prefix"; "/" lists one folder. */
  readonly delimiter?: string | undefined;
  /** Only names behind this one (`bucket/key`), by UTF-8 bytes. */
  readonly after?: string | undefined;
  /** Whether files come with their user metadata. */
  readonly userMetadata?: boolean | undefined;
  /** Entries per request, 1 to 1000. */
  readonly pageSize?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export type ListedEntry = ListedFile | ListedPrefix;

export interface ListedFile {
  readonly kind: "file";
  /** `bucket/key`. */
  readonly name: string;
  readonly bytes: number;
  /** Without quotes. */
  readonly etag: string;
  readonly modifiedAtMs: number;
  /** CRC-32 (IEEE) of the whole file, where the listing has it. */
  readonly crc32: number | undefined;
  /** Undefined unless it was asked for. */
  readonly userMetadata: Readonly<Record<string, string>> | undefined;
}

export interface ListedPrefix {
  readonly kind: "prefix";
  /** `bucket/prefix`, with the delimiter at its end. */
  readonly name: string;
}

export interface FilePage {
  /** Sorted by name, by UTF-8 bytes. */
  readonly files: readonly ListedFile[];
  readonly prefixes: readonly ListedPrefix[];
}

/** Iterate it for entries (files of a page first, then its prefixes), or its `pages()`; every iteration asks anew. */
export class FileListing implements AsyncIterable<ListedEntry> {
  readonly #requests: Requests;
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #options: ListFilesOptions;

  constructor(requests: Requests, bucket: string, prefix: string, options: ListFilesOptions) {
    this.#requests = requests;
    this.#bucket = bucket;
    this.#prefix = prefix;
    this.#options = options;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ListedEntry, void, void> {
    for await (const page of this.pages()) {
      yield* page.files;
      yield* page.prefixes;
    }
  }

  async *pages(): AsyncGenerator<FilePage, void, void> {
    const { delimiter, pageSize, signal } = this.#options;
    const metadata = this.#options.userMetadata === true ? "true" : undefined;
    const path = `${bucketPath(this.#bucket)}/files`;
    let after = this.#options.after?.slice(this.#bucket.length + 1);
    do {
      const query = queryText({ prefix: this.#prefix, delimiter, after, limit: pageSize, metadata });
      const answer = await this.#requests.ask({ method: "GET", path, query, effect: "read", signal });
      yield pageFrom(this.#bucket, answer);
      after = typeof answer["next"] === "string" ? answer["next"] : undefined;
    } while (after !== undefined);
  }
}

function pageFrom(bucket: string, answer: Answer): FilePage {
  const { files, prefixes } = answer;
  if (!Array.isArray(files) || !Array.isArray(prefixes)) throw notUnderstood();
  return {
    files: files.map((file: unknown) => listedFile(bucket, file)),
    prefixes: prefixes.map((prefix: unknown) => ({ kind: "prefix", name: `${bucket}/${String(prefix)}` })),
  };
}

function listedFile(bucket: string, file: unknown): ListedFile {
  const { key, bytes, etag, modifiedAtMs, crc32, userMetadata } = isRecord(file) ? file : {};
  if (
    typeof key !== "string" ||
    typeof bytes !== "number" ||
    typeof etag !== "string" ||
    typeof modifiedAtMs !== "number"
  ) {
    throw notUnderstood();
  }
  return {
    kind: "file",
    name: `${bucket}/${key}`,
    bytes,
    etag,
    modifiedAtMs,
    crc32: typeof crc32 === "string" ? Number.parseInt(crc32, 16) : undefined,
    userMetadata: isRecord(userMetadata) ? textsOf(userMetadata) : undefined,
  };
}

function textsOf(record: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  const texts: Record<string, string> = {};
  for (const [name, value] of Object.entries(record)) if (typeof value === "string") texts[name] = value;
  return texts;
}
