/** Files and uploads of a bucket whose shards are not all on this node: pages of each shard, merged (S19). */

import type { Awaitable } from "@holdfast/base";
import { andThen, ByteWriter, compareBytes, concatBytes, utf8 } from "@holdfast/base";
import type {
  FileListing,
  ListedFile,
  ListFiles,
  ListUploads,
  Upload,
  UploadListing,
} from "@holdfast/namespace";
import { filesQuestion, uploadsQuestion } from "../shard-reads/listing-questions.ts";
import type { ShardReads } from "../shard-reads/shard-question.ts";
import type { OrderedItem, SourcePage } from "./merge-pages.ts";
import { mergePages } from "./merge-pages.ts";

/** A file or a common prefix. */
interface FileItem extends OrderedItem {
  readonly name: string;
  readonly file: ListedFile | undefined;
}

/** Every page is read in its shard behind a barrier that begins within this call. */
export async function listFilesOf(shards: readonly ShardReads[], request: ListFiles): Promise<FileListing> {
  const fetches = shards.map((shard) => (limit: number) => filePage(shard, { ...request, limit }));
  const { items, more } = await mergePages(fetches, request.limit);
  const files = items.flatMap(({ file }) => file ?? []);
  const prefixes = items.filter(({ file }) => file === undefined).map(({ name }) => name);
  return { files, prefixes, next: more ? items.at(-1)?.name : undefined };
}

function filePage(shard: ShardReads, request: ListFiles): Awaitable<SourcePage<FileItem>> {
  return andThen(shard.ask(filesQuestion, request), ({ files, prefixes, next }) => {
    const items: FileItem[] = [
      ...files.map((file) => ({ order: utf8(file.key), name: file.key, file })),
      ...prefixes.map((name) => ({ order: utf8(name), name, file: undefined })),
    ];
    const goOn = (after: string) => (limit: number) => filePage(shard, { ...request, after, limit });
    return { items: inOrder(items), next: next === undefined ? undefined : goOn(next) };
  });
}

/** An upload or a common prefix. */
interface UploadItem extends OrderedItem {
  readonly name: string;
  readonly upload: Upload | undefined;
}

/** As `listFilesOf`. */
export async function listUploadsOf(
  shards: readonly ShardReads[],
  request: ListUploads,
): Promise<UploadListing> {
  const fetches = shards.map((shard) => (limit: number) => uploadPage(shard, { ...request, limit }));
  const { items, more } = await mergePages(fetches, request.limit);
  const uploads = items.flatMap(({ upload }) => upload ?? []);
  const prefixes = items.filter(({ upload }) => upload === undefined).map(({ name }) => name);
  const last = more ? items.at(-1) : undefined;
  return { uploads, prefixes, next: last && { key: last.name, upload: last.upload?.number } };
}

function uploadPage(shard: ShardReads, request: ListUploads): Awaitable<SourcePage<UploadItem>> {
  return andThen(shard.ask(uploadsQuestion, request), ({ uploads, prefixes, next }) => {
    const items: UploadItem[] = [
      ...uploads.map((upload) => ({ order: uploadOrder(upload), name: upload.key, upload })),
      ...prefixes.map((name) => ({ order: utf8(name), name, upload: undefined })),
    ];
    const goOn = (after: NonNullable<typeof next>) => (limit: number) =>
      uploadPage(shard, { ...request, afterKey: after.key, afterUpload: after.upload, limit });
    return { items: inOrder(items), next: next === undefined ? undefined : goOn(next) };
  });
}

/** By key, then by number, as in the shard's state. */
function uploadOrder({ key, number }: Upload): Uint8Array {
  const writer = new ByteWriter(8);
  writer.u53(number);
  return concatBytes([utf8(key), writer.finish()]);
}

function inOrder<Item extends OrderedItem>(items: readonly Item[]): readonly Item[] {
  return [...items].sort((a, b) => compareBytes(a.order, b.order));
}
