/** Which nodes did lately what they were asked. A node in doubt is asked last, and nobody waits for it who need not. */

import type { NodeId } from "@holdfast/base";
import type { Clock } from "@holdfast/ports";

export interface SuspicionTimes {
  readonly suspicionMsMin: number;
  readonly suspicionMsMax: number;
}

interface Suspicion {
  readonly times: number;
  readonly untilMs: number;
}

export class NodeTrust {
  readonly #clock: Clock;
  readonly #times: SuspicionTimes;
  readonly #suspicions = new Map<NodeId, Suspicion>();

  constructor(clock: Clock, times: SuspicionTimes) {
    this.#clock = clock;
    this.#times = times;
  }

  onAnswer(node: NodeId): void {
    this.#suspicions.delete(node);
  }

  /** It was silent, or could not do what was asked. What is heard of while it is in doubt anyway changes nothing. */
  onTrouble(node: NodeId): void {
    if (this.isInDoubt(node)) return;
    const times = (this.#suspicions.get(node)?.times ?? 0) + 1;
    const { suspicionMsMin, suspicionMsMax } = this.#times;
    const lastingMs = Math.min(suspicionMsMax, suspicionMsMin * 2 ** Math.min(times - 1, 30));
    this.#suspicions.set(node, { times, untilMs: this.#clock.monotonicMs() + lastingMs });
  }

  isInDoubt(node: NodeId): boolean {
    const suspicion = this.#suspicions.get(node);
    return suspicion !== undefined && this.#clock.monotonicMs() < suspicion.untilMs;
  }
}
