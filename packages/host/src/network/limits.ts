/** What the network between nodes allows. Times in milliseconds, sizes in bytes. */
export interface NetworkLimits {
  /** Frames that wait for one peer; a frame always fits when none wait. */
  readonly queueBytesMax: number;
  /** From dialing, or being called, until both sides know each other. */
  readonly helloTimeoutMs: number;
  /** A side that has nothing to send says so often that it is alive. */
  readonly aliveIntervalMs: number;
  /** A peer that was not heard in so many intervals in a row is given up, its exchanges too. */
  readonly silentIntervalsMax: number;
  /** Between two attempts to connect: doubled from the first to the second, with jitter. */
  readonly reconnectMsMin: number;
  readonly reconnectMsMax: number;
  /** A node that is refused for so long, for another process has its identity, is told so. */
  readonly twinMs: number;
  /** Exchanges with one peer at once, and so connections for them; others wait. */
  readonly exchangesMax: number;
  /** Exchanges that wait for their turn; beyond, they are refused. */
  readonly exchangesWaitingMax: number;
  /** A connection for exchanges that was not used for so long is closed by the caller. */
  readonly exchangeIdleMs: number;
  /** Connections that have not said who they are; beyond, new ones are closed. */
  readonly unknownConnectionsMax: number;
  /** Nodes that join at once; beyond, they are told to come again. */
  readonly joinsMax: number;
  /** From a request to join until its answer. */
  readonly joinTimeoutMs: number;
}

export const defaultNetworkLimits: NetworkLimits = {
  queueBytesMax: 32 * 1024 * 1024,
  helloTimeoutMs: 5000,
  aliveIntervalMs: 1000,
  silentIntervalsMax: 5,
  reconnectMsMin: 50,
  reconnectMsMax: 1000,
  twinMs: 10_000,
  exchangesMax: 64,
  exchangesWaitingMax: 4096,
  exchangeIdleMs: 30_000,
  unknownConnectionsMax: 256,
  joinsMax: 16,
  joinTimeoutMs: 30_000,
};
