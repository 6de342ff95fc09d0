import { StoreError } from "@holdfast/base";
import type { Clock } from "@holdfast/ports";
import { sleep } from "@holdfast/ports";

/** Longer than a group needs for its next leader. */
const askedMsMax = 10_000;
const pauseMs = 20;

/**
 * Asks again while nobody can say what became of it: for commands that may be carried out twice, or that carry the attempt
 * number by which the second time is known (S15). What is refused the second time may have been carried out the first
 * time: it stays unknown. `stopping` ends the asking.
 */
export async function untilKnown<T>(
  { clock, stopping }: { readonly clock: Clock; readonly stopping: AbortSignal },
  ask: () => Promise<T>,
): Promise<T> {
  const endsAtMs = clock.monotonicMs() + askedMsMax;
  let unknown: StoreError | undefined;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      if (error.code === "OutcomeUnknown") unknown ??= error;
      if (unknown === undefined) throw error;
      const mayChange = error.code === "OutcomeUnknown" || error.retryable;
      if (!mayChange || stopping.aborted || clock.monotonicMs() >= endsAtMs) throw unknown;
    }
    await sleep(clock, pauseMs, stopping);
  }
}
