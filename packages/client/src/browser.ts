/** The client in browsers. */

import { crc32 } from "@holdfast/base";
import { openBrowserChannel } from "./browser-message-channel.ts";
import type { ConnectOptions } from "./connect.ts";
import { storeOf } from "./connect.ts";
import { FetchTransport } from "./fetch-transport.ts";
import type { Platform } from "./platform.ts";
import { sha256 } from "./sha256.ts";
import type { Store } from "./store.ts";
import { wakeAfter } from "./wake-after.ts";

export type { ErrorCode, Outcome } from "@holdfast/base";
export { StoreError } from "@holdfast/base";
export type { BucketInfo, ClusterStatus } from "./answers.ts";
export type { FileAttributes } from "./attributes.ts";
export type { ConnectOptions } from "./connect.ts";
export type { Content } from "./content.ts";
export type { FileInfo } from "./file-info.ts";
export type {
  FileListing,
  FilePage,
  ListedEntry,
  ListedFile,
  ListedPrefix,
  ListFilesOptions,
} from "./file-listing.ts";
export type { FileReading, ResolvedRange } from "./file-reading.ts";
export type {
  CopyFileOptions,
  CreateBucketOptions,
  DeletedFile,
  DownloadFileOptions,
  DownloadProgress,
  FileToDelete,
  OpenUpload,
  Progress,
  ReadFileOptions,
  RequestOptions,
  StoredFile,
  StoreFileOptions,
  UploadResume,
  WriteConditions,
} from "./options.ts";
export type { LocalAttributes } from "./platform.ts";
export type { Store } from "./store.ts";

/** A store that speaks to one cluster over its HTTP API, as on Node; local paths are what a browser lacks. */
export function connect(options: ConnectOptions): Promise<Store> {
  return new Promise((resolve) => resolve(storeOf(options, platform())));
}

function platform(): Platform {
  return {
    transport: new FetchTransport((input, init) => fetch(input, init)),
    sha256,
    crc32: (data, seedCrc) => crc32(data, seedCrc),
    wallMs: () => Date.now(),
    sleep: wakeAfter,
    random: () => Math.random(),
    streaming: {
      openChannel: openBrowserChannel,
      soon: (action) => queueMicrotask(action),
      randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
    },
    localFiles: undefined,
  };
}
