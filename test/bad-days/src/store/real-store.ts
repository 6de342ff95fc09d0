/** A real node on a real directory behind both gateways on real sockets, in this process, with what makes its day bad. */

import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { createHttpGateway } from "@holdfast/gateway-http";
import { createS3Gateway } from "@holdfast/gateway-s3";
import type { HttpLimits, HttpListener } from "@holdfast/host";
import { listenHttp, nodeHashing, openDisk, openKeyValue, realClock, secureRandom } from "@holdfast/host";
import type { HoldfastNode, NodeOptions } from "@holdfast/node";
import { startNode } from "@holdfast/node";
import type { Clock, Disk, Journal } from "@holdfast/ports";
import { silentJournal } from "@holdfast/ports";
import { storeKeys } from "./s3-request.ts";

export interface RealStoreOptions {
  readonly data: string;
  readonly node?: NodeOptions;
  readonly limits?: Partial<HttpLimits>;
  readonly clock?: Clock;
  readonly journal?: Journal;
  readonly wrapDisk?: (disk: Disk) => Disk;
}

export class RealStore {
  readonly node: HoldfastNode;
  readonly #listeners: readonly HttpListener[];
  #stopped: Promise<void> | undefined;

  private constructor(node: HoldfastNode, listeners: readonly HttpListener[]) {
    this.node = node;
    this.#listeners = listeners;
  }

  static async start(options: RealStoreOptions): Promise<RealStore> {
    const { data, limits = {}, clock = realClock, journal = silentJournal, wrapDisk = same } = options;
    const disk = wrapDisk(await openDisk(data));
    const openStore = async (folder: string): Promise<ReturnType<typeof openKeyValue>> => {
      await disk.makeFolder(folder);
      return openKeyValue(join(data, folder));
    };
    const ports = {
      clock,
      disk,
      openKeyValue: openStore,
      random: secureRandom,
      hashing: nodeHashing,
      journal,
    };
    const node = await startNode(ports, { reserveBytes: 0, ...options.node });
    const credentials = { account: "root", secretKey: storeKeys.secretKey };
    const access = { credentials: () => Promise.resolve(credentials) };
    const gateway = { files: node.files, access, clock, hashing: nodeHashing, journal };
    const listen = { host: "127.0.0.1", port: 0, clock, journal, limits };
    const s3 = await listenHttp({ ...listen, handler: createS3Gateway(gateway) });
    const http = await listenHttp({
      ...listen,
      handler: createHttpGateway({
        ...gateway,
        maintenance: node,
        cluster: node.cluster,
        status: () => node.status(),
        readiness: () => node.readiness(),
      }),
    });
    return new RealStore(node, [s3, http]);
  }

  get s3Port(): number {
    return this.#listeners[0]?.port ?? 0;
  }

  get httpPort(): number {
    return this.#listeners[1]?.port ?? 0;
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    for (const listener of this.#listeners) await listener.close();
    await this.node.stop();
  }
}

function same(disk: Disk): Disk {
  return disk;
}

/** Folders of tests that have ended. They go with the process: hooks run in their order, and what writes there ends later. */
const leftFolders: string[] = [];
process.once("exit", () => {
  for (const folder of leftFolders) rmSync(folder, { recursive: true, force: true });
});

/** A folder that goes with the test. */
export async function temporaryFolder(t: Pick<TestContext, "after">): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-bad-days-"));
  t.after(() => void leftFolders.push(folder));
  return folder;
}
