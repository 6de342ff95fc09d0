/** The client on Node. */

import { hash } from "node:crypto";
import { crc32 } from "node:zlib";
import type { ConnectOptions } from "./connect.ts";
import { storeOf } from "./connect.ts";
import { nodeFiles } from "./node-files.ts";
import { openNodeChannel } from "./node-message-channel.ts";
import { NodeTransport } from "./node-transport.ts";
import type { Platform } from "./platform.ts";
import type { Store } from "./store.ts";
import { wakeAfter } from "./wake-after.ts";

/**
 * A store that speaks to one cluster over its HTTP API. Connections are made when they are needed.
 *
 * @example
 * ```ts
 * import { connect } from "@holdfast/client";
 *
 * const store = await connect({ endpoint: "http://127.0.0.1:9001", accessKey: "holdfast", secretKey: "holdfast-dev-secret" });
 * await store.createBucket("notes");
 * await store.storeFile("notes/today.txt", "Bonjour", { contentType: "text/plain; charset=utf-8" });
 * const file = await store.readFile("notes/today.txt");
 * console.log(await file.text(), file.etag);
 * ```
 */
export function connect(options: ConnectOptions): Promise<Store> {
  return new Promise((resolve) => resolve(storeOf(options, platform())));
}

function platform(): Platform {
  return {
    transport: new NodeTransport(),
    sha256,
    crc32: (data, seedCrc) => crc32(data, seedCrc),
    wallMs: () => Date.now(),
    sleep: wakeAfter,
    random: () => Math.random(),
    streaming: {
      openChannel: openNodeChannel,
      soon: (action) => void setImmediate(action),
      randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
    },
    localFiles: nodeFiles,
  };
}

function sha256(data: Uint8Array): Uint8Array {
  return hash("sha256", data, "buffer");
}
