/** What one HTTP listener allows. Times in milliseconds, sizes in bytes. */
export interface HttpLimits {
  /** Request line and headers together; more is answered with 431. */
  readonly headerBytesMax: number;
  /** From the first byte of a request to the end of its headers. */
  readonly headersTimeoutMs: number;
  /** Without a byte either way, while a body is awaited or an answer is not taken. There is no limit on the whole. */
  readonly idleTimeoutMs: number;
  /** A body that is awaited and comes at less than this, over the time of `idleTimeoutMs`, is given up. */
  readonly bodyBytesPerSecondMin: number;
  /** Between two requests of one connection. */
  readonly keepAliveTimeoutMs: number;
  /** One beyond takes the place of the one that is longest without a request; with requests on all, it is closed. */
  readonly connectionsMax: number;
  /** How long the rest of a refused body is read and dropped, so that the client gets to see the answer. */
  readonly lingerMs: number;
  /** How long `close` waits for requests under way before it cuts them. */
  readonly closeTimeoutMs: number;
}

export const defaultHttpLimits: HttpLimits = {
  headerBytesMax: 32 * 1024,
  headersTimeoutMs: 30_000,
  idleTimeoutMs: 60_000,
  bodyBytesPerSecondMin: 128,
  // Longer than the minute that clients and proxies usually keep theirs: they close first, and no request meets a closed door.
  keepAliveTimeoutMs: 65_000,
  connectionsMax: 10_000,
  lingerMs: 5_000,
  closeTimeoutMs: 10_000,
};

/** Bodies up to this size are gathered and handed over in one piece, and drained when nobody reads them. */
export const smallBodyBytesMax: number = 64 * 1024;
