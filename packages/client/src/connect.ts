/** From what a program knows of a cluster to a Store. */

import { StoreError } from "@holdfast/base";
import type { Platform } from "./platform.ts";
import { Store } from "./store.ts";
import type { Endpoint } from "./transport.ts";

export interface ConnectOptions {
  /** A node's HTTP address, such as "http://127.0.0.1:9001"; several as a list, or separated by commas. Any node serves anything. */
  readonly endpoint: string | readonly string[];
  readonly accessKey: string;
  readonly secretKey: string;
  /** How long a call is tried again while that can do no harm, in milliseconds; 10,000 unless given, 0 for never. */
  readonly retryMs?: number;
  /**
   * "auto", unless given: while several small calls (up to 64 KiB) are under way at once, they share one connection to each endpoint
   * instead of having a request each. "never": always requests.
   */
  readonly stream?: "auto" | "never";
}

/** InvalidArgument for addresses and keys that cannot be right. Nothing is sent yet. */
export function storeOf(options: ConnectOptions, platform: Platform): Store {
  const { endpoint, accessKey, secretKey, retryMs = 10_000, stream } = options;
  const addresses = typeof endpoint === "string" ? endpoint.split(",") : endpoint;
  const endpoints = addresses
    .map((address) => address.trim())
    .filter((address) => address !== "")
    .map(endpointOf);
  if (endpoints.length === 0) throw new StoreError("InvalidArgument", "Name the endpoint of a node.");
  if (accessKey === "" || secretKey === "")
    throw new StoreError("InvalidArgument", "Give an access key and its secret key.");
  return new Store({ endpoints, accessKey, secretKey, retryMs, stream, platform });
}

function endpointOf(address: string): Endpoint {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (
    url === undefined ||
    !/^https?:$/.test(url.protocol) ||
    url.pathname !== "/" ||
    url.search !== "" ||
    url.username !== ""
  ) {
    throw new StoreError(
      "InvalidArgument",
      `An endpoint is written like http://127.0.0.1:9001, not ${JSON.stringify(address)}.`,
    );
  }
  const isLoopback = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(url.hostname);
  return { origin: url.origin, authority: url.host, isLoopback };
}
