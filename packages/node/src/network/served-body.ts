import type { Clock } from "@holdfast/ports";
import { NetworkError } from "@holdfast/ports";

export interface ServedBody {
  readonly clock: Clock;
  /** Aborted when the other side goes. */
  readonly signal: AbortSignal;
  /** Within which it is to be taken. */
  readonly msMax: number;
  /** Once: at the end, when the other side goes, or when it takes too long. What it gives back may be used again. */
  readonly onEnd: () => void;
}

const pieceBytes = 64 * 1024;

/** The body of an answer, in copies: when a network is done with a chunk is not known here. */
export function servedBody(
  body: Uint8Array,
  { clock, signal, msMax, onEnd }: ServedBody,
): AsyncIterable<Uint8Array> {
  let isOver = false;
  const end = (): void => {
    if (isOver) return;
    isOver = true;
    timer.cancel();
    signal.removeEventListener("abort", end);
    onEnd();
  };
  const timer = clock.after(msMax, end);
  signal.addEventListener("abort", end);
  // It may have gone before.
  if (signal.aborted) end();
  return (async function* pieces() {
    try {
      for (let at = 0; at < body.length; at += pieceBytes) {
        if (isOver) throw new NetworkError("broken", "the body was not taken in time");
        yield new Uint8Array(body.subarray(at, at + pieceBytes));
      }
    } finally {
      end();
    }
  })();
}
