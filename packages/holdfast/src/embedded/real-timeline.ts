import { realClock, secureRandom } from "@holdfast/host";
import type { Timeline } from "@holdfast/ports/simulated";

/** The time of this process: what nodes in it say to each other takes no longer than the event loop does. */
export const realTimeline: Timeline = {
  random: secureRandom,
  get nowMs() {
    return realClock.monotonicMs();
  },
  after: (delayMs, action) => {
    if (delayMs > 0) return realClock.after(delayMs, action);
    let isCancelled = false;
    realClock.soon(() => {
      if (!isCancelled) action();
    });
    return {
      cancel: () => {
        isCancelled = true;
      },
    };
  },
  soon: (action) => realClock.soon(action),
};
