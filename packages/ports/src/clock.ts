/** A timer that has not fired yet can be cancelled; cancelling twice, or after it fired, does nothing. */
export interface Timer {
  cancel(): void;
}

/** Time, as everything below the host sees it. */
export interface Clock {
  /** Milliseconds since an arbitrary start; never goes back, stops while the machine is suspended. */
  monotonicMs(): number;
  /** Milliseconds since 1970 UTC as the machine believes; may jump either way. */
  wallMs(): number;
  /** Runs `action` once, no sooner than `delayMs` of monotonic time from now, never within this call. */
  after(delayMs: number, action: () => void): Timer;
  /** Runs `action` after everything that is already due: the moment to write what one burst of events gathered. */
  soon(action: () => void): void;
}

/** Resolves after `delayMs` of monotonic time, or at once when `signal` is aborted. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve();
    const wake = (): void => {
      timer.cancel();
      signal?.removeEventListener("abort", wake);
      resolve();
    };
    const timer = clock.after(delayMs, wake);
    signal?.addEventListener("abort", wake);
  });
}

/** Lets everybody else who is due have a turn: for long work in small steps. */
export function turn(clock: Clock): Promise<void> {
  return new Promise((resolve) => clock.soon(resolve));
}
