/** A connection that carries messages both ways, as the client's stream needs it. Node and browsers each have their own. */

export interface MessageChannel {
  /** In order; once a message has come. */
  send(message: Uint8Array): void;
  /** Whether the program has to wait for what still comes: otherwise it may end although the channel is open. */
  hold(isHeld: boolean): void;
  /** Orderly, behind what was sent. */
  close(): void;
  /** At once. */
  cut(): void;
}

/** Nothing is called from within `open`. */
export interface ChannelListener {
  /** The memory is the listener's. */
  onMessage(message: Uint8Array): void;
  /** Called once, and nothing afterwards; also when it never opened. */
  onEnd(reason: string): void;
}

/** `url` begins with ws: or wss:. */
export type OpenChannel = (url: string, listener: ChannelListener) => MessageChannel;

/** Nothing else than silence for so long, although servers say every ten seconds that they are there: nobody is. */
export const channelSilenceMs = 60_000;
/** A node that does not even open the channel in this time is as good as down. */
export const channelOpenMs = 5_000;
