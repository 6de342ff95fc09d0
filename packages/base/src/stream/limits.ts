/** What one multiplexed stream carries, in bytes unless said. The server names its own in its hello; these are what it names. */

import { KiB, MiB } from "../limits.ts";

interface StreamLimits {
  readonly messageBytesMax: number;
  readonly bodyBytesMax: number;
  readonly headBytesMax: number;
  readonly operationsMax: number;
}

export const streamLimits: StreamLimits = {
  /** Either way: a message gathers many operations. */
  messageBytesMax: 1 * MiB,
  /** Of one operation or its answer; what is longer travels in a request of its own. */
  bodyBytesMax: 64 * KiB,
  /** Fields of one operation or answer, as much as the head of an HTTP request may have. */
  headBytesMax: 32 * KiB,
  /** Under way on one stream at once; more are answered with Overloaded, and not carried out. */
  operationsMax: 1024,
};
