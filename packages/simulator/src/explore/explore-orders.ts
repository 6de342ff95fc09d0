/**
 * Every order of what may happen to a small group, within a bound on disorder: a run goes on by itself, oldest things
 * first, until nothing is left to do; at each of its steps anything else that may happen is tried instead, at most
 * `deviations` times on a way (delay-bounded scheduling: Emmi, Qadeer and Rakamarić, 2011). All invariants are checked at
 * every step, and no state is left twice. Cores cannot be copied: a state is made again by going the way to it.
 */

import type { Envelope } from "@holdfast/consensus";
import type { Protocol } from "../group/protocol.ts";
import type { Action, Budget } from "./small-group.ts";
import { SmallGroup } from "./small-group.ts";

export interface ExploreOptions<Message extends Envelope> {
  readonly protocol: Protocol<Message>;
  readonly budget: Budget;
  /** How often a way may leave the order of things. */
  readonly deviations: number;
  readonly statesMax: number;
}

export interface Explored {
  readonly statesCount: number;
  /** Ways that were gone, each to its end or to a state that was known. */
  readonly waysCount: number;
  /** Actions on the longest way. */
  readonly lengthMax: number;
  /** Entries committed at the most, on one way. */
  readonly committedMax: number;
  /** Nothing within the bound is left. */
  readonly isComplete: boolean;
  readonly failure: { readonly message: string; readonly way: readonly string[] } | undefined;
}

interface Step {
  readonly before: Step | undefined;
  readonly action: Action;
  readonly length: number;
}

interface Way {
  readonly step: Step | undefined;
  readonly deviationsLeft: number;
}

export function exploreOrders<Message extends Envelope>(options: ExploreOptions<Message>): Explored {
  return new Exploration(options).run();
}

class Exploration<Message extends Envelope> {
  readonly #options: ExploreOptions<Message>;
  /** The states known, and with how many deviations to spare they were reached. */
  readonly #seen = new Map<number, number>();
  readonly #waiting: Way[] = [];
  #waysCount = 0;
  #lengthMax = 0;
  #committedMax = 0;

  constructor(options: ExploreOptions<Message>) {
    this.#options = options;
    this.#waiting.push({ step: undefined, deviationsLeft: options.deviations });
  }

  run(): Explored {
    for (let way = this.#waiting.pop(); way !== undefined; way = this.#waiting.pop()) {
      if (this.#seen.size >= this.#options.statesMax) return this.#explored(false, undefined);
      const failure = this.#go(way);
      if (failure !== undefined) return this.#explored(false, failure);
    }
    return this.#explored(true, undefined);
  }

  /** To the end, in order; what else might happen on the way waits for its turn. */
  #go({ step: from, deviationsLeft }: Way): Explored["failure"] {
    this.#waysCount++;
    let step = from;
    try {
      const group = this.#arrive(from);
      while (this.#isNew(group.key, deviationsLeft)) {
        this.#lengthMax = Math.max(this.#lengthMax, step?.length ?? 0);
        this.#committedMax = Math.max(this.#committedMax, group.committed);
        const [next, ...others] = group.actions();
        if (deviationsLeft > 0)
          for (const action of others)
            this.#waiting.push({ step: behind(step, action), deviationsLeft: deviationsLeft - 1 });
        if (next === undefined) return undefined;
        step = behind(step, next);
        group.act(next);
      }
      return undefined;
    } catch (error) {
      return { message: String(error), way: this.#describe(step) };
    }
  }

  #isNew(key: number, deviationsLeft: number): boolean {
    if ((this.#seen.get(key) ?? -1) >= deviationsLeft) return false;
    this.#seen.set(key, deviationsLeft);
    return true;
  }

  #arrive(step: Step | undefined): SmallGroup<Message> {
    const { protocol, budget } = this.#options;
    const group = new SmallGroup(protocol, budget);
    for (const action of wayTo(step)) group.act(action);
    return group;
  }

  /** For people: what happened; the last action is the one that failed. */
  #describe(step: Step | undefined): readonly string[] {
    const { protocol, budget } = this.#options;
    const group = new SmallGroup(protocol, budget);
    const lines: string[] = [];
    for (const action of wayTo(step)) {
      lines.push(group.describe(action));
      if (lines.length < (step?.length ?? 0)) group.act(action);
    }
    return lines;
  }

  #explored(isComplete: boolean, failure: Explored["failure"]): Explored {
    return {
      statesCount: this.#seen.size,
      waysCount: this.#waysCount,
      lengthMax: this.#lengthMax,
      committedMax: this.#committedMax,
      isComplete,
      failure,
    };
  }
}

function behind(before: Step | undefined, action: Action): Step {
  return { before, action, length: (before?.length ?? 0) + 1 };
}

function wayTo(step: Step | undefined): readonly Action[] {
  const way: Action[] = [];
  for (let at = step; at !== undefined; at = at.before) way.push(at.action);
  return way.reverse();
}
