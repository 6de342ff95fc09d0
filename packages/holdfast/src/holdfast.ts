/** Holdfast inside of this process: for tests, and for programs that bring their store along. */

import { rmSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { StoreError } from "@holdfast/base";
import type { Store } from "@holdfast/client";
import { connect } from "@holdfast/client";
import { UsageError } from "./command-line/failure.ts";
import { EmbeddedNodes } from "./embedded/embedded-nodes.ts";
import type { LogLevel, ServerConfig } from "./server/config.ts";
import { resolveConfig } from "./server/config.ts";
import { devCredentials } from "./server/credentials.ts";
import { prepareDataDirectory } from "./server/data-directory.ts";

export interface HoldfastOptions {
  /** Nodes of one cluster, all in this process; one unless given. */
  readonly nodes?: number;
  /** Where the data are; they outlive `stop`. Without it they are ephemeral. */
  readonly data?: string;
  /** The data are in a temporary folder, which goes with `stop` or with the process. */
  readonly ephemeral?: boolean;
  /** Of the first node; 0, the default, takes a free port. */
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

const nodesMax = 9;

/**
 * A store in this process, listening on loopback: of one node, or of several, among which faults can be brought about.
 *
 * @example
 * ```ts
 * import { Holdfast } from "holdfast";
 *
 * const holdfast = await Holdfast.start({ nodes: 3, ephemeral: true });
 * await holdfast.store.createBucket("photos");
 * await holdfast.partition([0], [1, 2]);
 * await holdfast.store.storeFile("photos/hello.txt", "hello");
 * await holdfast.heal();
 * await holdfast.stop();
 * ```
 */
export class Holdfast {
  /** Of the HTTP API of each node, such as `http://127.0.0.1:41234`. */
  readonly endpoints: readonly string[];
  readonly s3Endpoints: readonly string[];
  readonly accessKey: string;
  readonly secretKey: string;
  /** The data directory; of several nodes, the folder of theirs: `node-0` and so on. */
  readonly data: string;
  /** A client of this store, which goes on with another node when one does not answer. */
  readonly store: Store;
  /** Resolves when a node can serve no longer, with the reason; not for one that was killed. */
  readonly failed: Promise<StoreError>;
  readonly #nodes: EmbeddedNodes;
  readonly #folder: DataFolder;
  #stopped: Promise<void> | undefined;

  private constructor(nodes: EmbeddedNodes, store: Store, folder: DataFolder, keys: Keys) {
    this.endpoints = nodes.nodes.map(({ endpoint }) => endpoint);
    this.s3Endpoints = nodes.nodes.map(({ s3Endpoint }) => s3Endpoint);
    this.accessKey = keys.accessKey;
    this.secretKey = keys.secretKey;
    this.data = folder.path;
    this.store = store;
    this.failed = Promise.race(nodes.nodes.map(({ server }) => server.failed));
    this.#nodes = nodes;
    this.#folder = folder;
  }

  /** Of the first node's HTTP API. */
  get endpoint(): string {
    return this.endpoints[0] ?? "";
  }

  get s3Endpoint(): string {
    return this.s3Endpoints[0] ?? "";
  }

  /** Resolves when all nodes serve. */
  static async start(options: HoldfastOptions = {}): Promise<Holdfast> {
    checkOptions(options);
    const folder = await openFolder(options);
    try {
      const keys = keysOf(options);
      const configs = await configsOf(options, folder.path, keys);
      const nodes = new EmbeddedNodes(configs);
      try {
        await nodes.start(folder.isNew);
        const endpoint = nodes.nodes.map((node) => node.endpoint);
        return new Holdfast(nodes, await connect({ endpoint, ...keys }), folder, keys);
      } catch (error) {
        await nodes.stop();
        throw error;
      }
    } catch (error) {
      await folder.discard();
      throw error;
    }
  }

  /** A client that speaks to this node alone. */
  connectTo(node: number): Promise<Store> {
    const { accessKey, secretKey } = this;
    return connect({ endpoint: this.#nodes.node(node).endpoint, accessKey, secretKey });
  }

  /** From now on the nodes of one group hear nothing of those in another one: `partition([0], [1, 2])`. */
  async partition(...groups: readonly (readonly number[])[]): Promise<void> {
    this.#nodes.partition(groups);
    return Promise.resolve();
  }

  /** Ends all partitions; resolves when all nodes that run serve again. */
  async heal(): Promise<void> {
    this.#nodes.heal();
    await this.#nodes.ready();
  }

  /** The node is gone from one moment to the next, as for the others; its data stay. */
  async kill(node: number): Promise<void> {
    await this.#nodes.node(node).kill();
  }

  /** A node that was killed comes back on its data. Resolves when it has started; `heal` waits until it serves. */
  async restart(node: number): Promise<void> {
    const embedded = this.#nodes.node(node);
    if (embedded.isRunning) await embedded.kill();
    await embedded.start();
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
      await this.#nodes.stop();
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
  if (!Number.isInteger(nodes) || nodes < 1 || nodes > nodesMax)
    throw new UsageError(`nodes is a whole number from 1 to ${nodesMax}`);
  if (data !== undefined && ephemeral === true)
    throw new UsageError("ephemeral data have no folder of yours: leave data out");
  if (data === undefined && ephemeral === false)
    throw new UsageError("name the folder for the data that shall stay: data");
}

/** One node has the folder itself, several have one in it each. */
async function configsOf(
  { nodes = 1, s3Port = 0, httpPort = 0, domains = [], log = "silent" }: HoldfastOptions,
  folder: string,
  keys: Keys,
): Promise<readonly ServerConfig[]> {
  const configs = Array.from({ length: nodes }, (_, number) =>
    resolveConfig([
      {
        data: nodes === 1 ? folder : join(folder, `node-${number}`),
        s3: `:${number === 0 ? s3Port : 0}`,
        http: `:${number === 0 ? httpPort : 0}`,
        ...keys,
        domains,
        log,
      },
    ]),
  );
  for (const { data } of configs) await prepareDataDirectory(data);
  return configs;
}

interface DataFolder {
  readonly path: string;
  /** Nothing was in it. */
  readonly isNew: boolean;
  /** Removes what is ephemeral. */
  discard(): Promise<void>;
}

async function openFolder({ data, nodes = 1 }: HoldfastOptions): Promise<DataFolder> {
  if (data !== undefined) {
    const path = resolve(data);
    await prepareDataDirectory(path);
    const names = await readdir(path);
    const found = names.filter((name) => /^node-\d+$/.test(name)).length;
    const wanted = nodes === 1 ? 0 : nodes;
    if (names.length > 0 && found !== wanted)
      throw new UsageError(`${path} holds a store of ${Math.max(found, 1)} nodes, not of ${nodes}`);
    return { path, isNew: names.length === 0, discard: () => Promise.resolve() };
  }
  const path = await mkdtemp(join(tmpdir(), "holdfast-"));
  // A program that ends without stop() leaves nothing behind either, unless it is killed.
  const onExit = (): void => rmSync(path, { recursive: true, force: true });
  process.once("exit", onExit);
  const discard = async (): Promise<void> => {
    process.off("exit", onExit);
    await rm(path, { recursive: true, force: true });
  };
  return { path, isNew: true, discard };
}
