/** The native API on a real socket, over files in memory, with whatever a test puts in between. */

import type { TestContext } from "node:test";
import type { Store } from "@holdfast/client";
import { connect } from "@holdfast/client";
import type { HttpGatewayOptions } from "@holdfast/gateway-http";
import { createHttpGateway } from "@holdfast/gateway-http";
import type { HttpLimits } from "@holdfast/host";
import { listenHttp, nodeHashing, realClock, secureRandom } from "@holdfast/host";
import type { HttpHandler, HttpRequest, HttpResponse } from "@holdfast/ports";
import { silentJournal } from "@holdfast/ports";
import { MemoryFiles } from "./native-memory-files.ts";

const allWell = { ready: true, writable: true, code: undefined, reason: undefined };

export const keys = { accessKey: "test", secretKey: "test-secret" };

export interface NativeGateway {
  readonly files: MemoryFiles;
  readonly endpoint: string;
  readonly port: number;
  /** Requests so far, as "PUT /api/v1/...". */
  readonly seen: readonly string[];
  /** A client that gives up at the first failure. */
  readonly store: Store;
  close(): Promise<void>;
}

export interface NativeGatewayOptions {
  readonly files?: MemoryFiles;
  /** Stands between the socket and the gateway. */
  readonly intercept?: (request: HttpRequest, next: HttpHandler) => Promise<HttpResponse>;
  readonly limits?: Partial<HttpLimits>;
  /** False: as if something before the node knew no WebSockets. */
  readonly upgrades?: boolean;
  /** Replaces what stands for the node. */
  readonly gateway?: Partial<HttpGatewayOptions>;
}

export async function nativeGateway(
  t: TestContext,
  options: NativeGatewayOptions = {},
): Promise<NativeGateway> {
  const files = options.files ?? new MemoryFiles();
  const gateway = createHttpGateway({
    files,
    access: {
      credentials: (accessKey) =>
        Promise.resolve(
          accessKey === keys.accessKey ? { account: "tester", secretKey: keys.secretKey } : undefined,
        ),
    },
    clock: realClock,
    hashing: nodeHashing,
    random: secureRandom,
    journal: silentJournal,
    maintenance: { fsck: noEvents, scrub: () => Promise.reject(new Error("no scrub here")) },
    cluster: {
      nodes: () => Promise.reject(new Error("no cluster here")),
      layout: () => Promise.reject(new Error("no cluster here")),
      preview: () => Promise.reject(new Error("no cluster here")),
      changeNode: () => Promise.reject(new Error("no cluster here")),
      removeNode: () => Promise.reject(new Error("no cluster here")),
      revertLayout: () => Promise.reject(new Error("no cluster here")),
    },
    status: () =>
      Promise.resolve({
        clusterId: "cluster",
        nodeId: "node",
        shards: [{ shard: 0, appliedIndex: 7 }],
        cluster: {
          consensus: "raft",
          epoch: 1,
          nodes: [],
          system: { leader: undefined, voters: [], learners: [], appliedIndex: 1 },
          shards: [],
          partitions: { stable: 1024, joint: 0, change: undefined, unclosedShards: [], incomplete: 0 },
          incompleteBlocks: 0,
        },
        scrub: { running: undefined, last: undefined },
        replicas: { damaged: [], reloaded: 0, lastReloaded: undefined, apart: [] },
        wallMs: Date.now(),
        startedAtMs: Date.now(),
        clock: { standing: "alone", aheadMs: 0 },
        log: { failed: false, queuedBytes: 0, segments: 1, segmentsBytes: 8 },
        checkpoint: { lagEntries: 0, lagBytes: 0 },
        blocks: { blocks: 1, volumes: 1, liveBytes: 2, deadBytes: 3, damagedFound: 0, failed: false },
        disk: { freeBytes: 4, totalBytes: 5, reserveBytes: 1 },
        ...allWell,
      }),
    readiness: () => Promise.resolve(allWell),
    ...options.gateway,
  });
  const seen: string[] = [];
  const handler: HttpHandler = (request) => {
    seen.push(`${request.method} ${request.path}`);
    return options.intercept === undefined ? gateway(request) : options.intercept(request, gateway);
  };
  const limits = { closeTimeoutMs: 200, ...options.limits };
  const http = await listenHttp({
    host: "127.0.0.1",
    port: 0,
    handler,
    journal: silentJournal,
    clock: realClock,
    limits,
    upgrades: options.upgrades ?? true,
  });
  t.after(() => http.close());
  const endpoint = `http://127.0.0.1:${http.port}`;
  const store = await connect({ endpoint, ...keys, retryMs: 0 });
  return { files, endpoint, port: http.port, seen, store, close: () => http.close() };
}

async function* noEvents(): AsyncGenerator<never, void, undefined> {}
