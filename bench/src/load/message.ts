/** What the benchmark tells its load generator, and what that answers. */

export interface LoadOrder {
  /** Connections are spread over them, one after the other. */
  readonly ports: readonly number[];
  readonly connections: number;
  readonly rounds: readonly (LoadPhase | FilesPhase)[];
}

/** Stores of small files by our client, spread over the nodes. */
export interface ClientLoadOrder {
  readonly ports: readonly number[];
  readonly inflight: number;
  /** In all, before the clock starts and while it runs. */
  readonly warmUp: number;
  readonly requests: number;
  readonly bucket: string;
  readonly bodyBytes: number;
  readonly stream: "auto" | "never";
  readonly accessKey: string;
  readonly secretKey: string;
}

export interface LoadPhase {
  /** Requests of each connection, one after the other; signed before the clock starts. */
  readonly requestsPerConnection: number;
  readonly request: RequestPattern;
  /**
   * Requests of a connection come due so far apart, and its latencies count from when they did (an open loop as long as it
   * keeps up); without it each is sent when the one before it is answered.
   */
  readonly everyMs?: number;
}

/** S3, Holdfast's own API, or the JSON gateway of etcd, which only knows PUT and has no buckets. */
export type Api = "S3" | "HTTP" | "etcd";

export interface RequestPattern {
  /** S3 unless said. */
  readonly api?: Api;
  readonly method: "PUT" | "GET";
  readonly bucket: string;
  /** The key is this, the connection, a dash, the number of the request (modulo `keysPerConnection`). */
  readonly keyPrefix: string;
  readonly keysPerConnection: number;
  /** Length of the body sent. */
  readonly bodyBytes: number;
  readonly unsignedPayload: boolean;
  readonly accessKey: string;
  readonly secretKey: string;
}

/**
 * Work on the numbered files of a population (file-names.ts), spread over the connections: `put` stores each, `list` walks
 * all pages that the first `to` files make, `delete` removes them, 1,000 a request.
 */
export interface FilesPhase {
  readonly kind: "put" | "list" | "delete";
  readonly bucket: string;
  /** Files of the whole population. */
  readonly population: number;
  /** First file, and the one behind the last. */
  readonly from: number;
  readonly to: number;
  /** Length of each file. */
  readonly bodyBytes: number;
  readonly accessKey: string;
  readonly secretKey: string;
}

export interface LoadResult {
  readonly requests: number;
  readonly bytesReceived: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Answers with a status other than 200, or calls that failed. */
  readonly failures: number;
  /** Latency in milliseconds. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}
