/** Holdfast inside of this process: for tests, and for programs that bring their store along. */

import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { StoreError } from "@holdfast/base";
import type { Store } from "@holdfast/client";
import { connect } from "@holdfast/client";
import { UsageError } from "./command-line/failure.ts";
import type { LogLevel } from "./server/config.ts";
import { resolveConfig } from "./server/config.ts";
import { devCredentials } from "./server/credentials.ts";
import { prepareDataDirectory } from "./server/data-directory.ts";
import { urlOf } from "./server/listen-address.ts";
import { removeProcessId, writeProcessId } from "./server/process-id-file.ts";
import type { RunningServer } from "./server/server.ts";
import { startServer } from "./server/server.ts";

export interface HoldfastOptions {
  /** One, for now. */
  readonly nodes?: number;
  /** Where the data are; they outlive `stop`. Without it they are ephemeral. */
  readonly data?: string;
  /** The data are in a temporary folder, which goes with `stop` or with the process. */
  readonly ephemeral?: boolean;
  /** 0, the default, takes a free port. */
  readonly s3Port?: number;
  readonly httpPort?: number;
  /** Domains below which hosts are buckets of the S3 gateway (`bucket.domain`); path style works always. */
  readonly domains?: readonly string[];
  /** The keys of the development store unless given. */
  readonly accessKey?: string;
  readonly secretKey?: string;
  /** Journal lines on standard error; none unless given. */
  readonly log?: LogLevel;
}

/**
 * A store in this process, listening on loopback.
 *
 * @example
 * ```ts
 * import { Holdfast } from "holdfast";
 *
 * const holdfast = await Holdfast.start({ nodes: 1, ephemeral: true });
 * await holdfast.store.createBucket("photos");
 * await holdfast.store.storeFile("photos/hello.txt", "hello");
 * await holdfast.stop();
 * ```
 */
export class Holdfast {
  /** Of the HTTP API, such as `http://127.0.0.1:41234`. */
  readonly endpoint: string;
  readonly s3Endpoint: string;
  readonly accessKey: string;
  readonly secretKey: string;
  /** The data directory. */
  readonly data: string;
  /** A client of this store. */
  readonly store: Store;
  /** Resolves when the store can serve no longer, with the reason. */
  readonly failed: Promise<StoreError>;
  readonly #server: RunningServer;
  readonly #folder: DataFolder;
  #stopped: Promise<void> | undefined;

  private constructor(server: RunningServer, store: Store, folder: DataFolder, keys: Keys) {
    this.endpoint = urlOf(server.addresses.http);
    this.s3Endpoint = urlOf(server.addresses.s3);
    this.accessKey = keys.accessKey;
    this.secretKey = keys.secretKey;
    this.data = folder.path;
    this.store = store;
    this.failed = server.failed;
    this.#server = server;
    this.#folder = folder;
  }

  /** Resolves when the store serves. */
  static async start(options: HoldfastOptions = {}): Promise<Holdfast> {
    checkOptions(options);
    const folder = await openFolder(options.data);
    try {
      const keys = keysOf(options);
      const { s3Port = 0, httpPort = 0, domains = [], log = "silent" } = options;
      const config = resolveConfig([
        { data: folder.path, s3: `:${s3Port}`, http: `:${httpPort}`, ...keys, domains, log },
      ]);
      const server = await startServer(config);
      try {
        await writeProcessId(folder.path);
        const store = await connect({ endpoint: urlOf(server.addresses.http), ...keys });
        return new Holdfast(server, store, folder, keys);
      } catch (error) {
        await server.stop();
        throw error;
      }
    } catch (error) {
      await folder.discard();
      throw error;
    }
  }

  /** Finishes what is under way and flushes; ephemeral data are gone then. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #stop(): Promise<void> {
    this.store.close();
    try {
      await this.#server.stop();
      await removeProcessId(this.data);
    } finally {
      await this.#folder.discard();
    }
  }
}

interface Keys {
  readonly accessKey: string;
  readonly secretKey: string;
}

function keysOf({ accessKey, secretKey }: HoldfastOptions): Keys {
  if (accessKey === undefined && secretKey === undefined) return devCredentials;
  if (accessKey === undefined || secretKey === undefined)
    throw new UsageError("accessKey and secretKey belong together");
  return { accessKey, secretKey };
}

function checkOptions({ nodes = 1, data, ephemeral }: HoldfastOptions): void {
  if (!Number.isInteger(nodes) || nodes < 1) throw new UsageError("nodes is a whole number from 1 on");
  if (nodes > 1) throw new UsageError("clusters of several nodes are not there yet: start with nodes: 1");
  if (data !== undefined && ephemeral === true)
    throw new UsageError("ephemeral data have no folder of yours: leave data out");
  if (data === undefined && ephemeral === false)
    throw new UsageError("name the folder for the data that shall stay: data");
}

interface DataFolder {
  readonly path: string;
  /** Removes what is ephemeral. */
  discard(): Promise<void>;
}

async function openFolder(data: string | undefined): Promise<DataFolder> {
  if (data !== undefined) {
    const path = resolve(data);
    await prepareDataDirectory(path);
    return { path, discard: () => Promise.resolve() };
  }
  const path = await mkdtemp(join(tmpdir(), "holdfast-"));
  // A program that ends without stop() leaves nothing behind either, unless it is killed.
  const onExit = (): void => rmSync(path, { recursive: true, force: true });
  process.once("exit", onExit);
  const discard = async (): Promise<void> => {
    process.off("exit", onExit);
    await rm(path, { recursive: true, force: true });
  };
  return { path, discard };
}
