import type { Clock, Timer } from "@holdfast/ports";

/** setTimeout takes anything above for none. */
const timeoutMsMax = 2 ** 31 - 1;

/** The machine's own time. Timers keep the process alive until they fired or were cancelled. */
export const realClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  after,
  soon: (action) => void setImmediate(action),
};

function after(delayMs: number, action: () => void): Timer {
  const dueMs = performance.now() + Math.max(0, delayMs);
  let timeout: NodeJS.Timeout;
  const wait = (): void => {
    timeout = setTimeout(check, Math.max(1, Math.min(Math.ceil(dueMs - performance.now()), timeoutMsMax)));
  };
  // Node's timers count from the start of the loop's turn, and may fire a fraction of a millisecond early.
  const check = (): void => {
    if (performance.now() >= dueMs) action();
    else wait();
  };
  wait();
  return { cancel: () => clearTimeout(timeout) };
}
