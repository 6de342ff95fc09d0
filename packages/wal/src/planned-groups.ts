/** Where each group's log will end once everything queued is durable: what the next append has to join on to. */

import type { GroupId, LogIndex } from "@holdfast/base";
import { logIndex } from "@holdfast/base";
import type { GroupLog } from "./group-log.ts";
import { WalError } from "./log-error.ts";
import type { LogWrite } from "./write-ahead-log.ts";

interface Plan {
  readonly base: LogIndex;
  readonly last: LogIndex;
}

export class PlannedGroups {
  readonly #plans = new Map<GroupId, Plan>();
  readonly #leaving = new Set<GroupId>();

  /** Why the write does not join on to the group's log, or undefined. */
  refusal({ group, base, entries }: LogWrite, log: GroupLog | undefined): WalError | undefined {
    if (this.#leaving.has(group)) return new WalError("not-contiguous", `group ${group} is being forgotten`);
    const plan = this.#plans.get(group);
    const floor = base?.index ?? Math.max(plan?.base ?? 0, log?.checkpoint.index ?? 0);
    const last = base?.index ?? plan?.last ?? log?.last.index ?? 0;
    const first = entries[0]?.index;
    if (first === undefined) return undefined;
    const joins = first > floor && first <= last + 1;
    if (joins && entries.every((entry, i) => entry.index === first + i)) return undefined;
    return new WalError(
      "not-contiguous",
      `group ${group}: entries from ${first} on do not follow ${last} nor replace what lies behind ${floor}`,
    );
  }

  lastIndex(group: GroupId, log: GroupLog | undefined): LogIndex {
    return this.#plans.get(group)?.last ?? log?.last.index ?? logIndex(0);
  }

  plan({ group, base, entries }: LogWrite): void {
    const last = entries.at(-1)?.index ?? base?.index;
    if (last === undefined) return;
    const earlier = this.#plans.get(group);
    this.#plans.set(group, { base: base?.index ?? earlier?.base ?? logIndex(0), last });
  }

  /** What was queued will not be written: only what is durable counts. */
  reset(): void {
    this.#plans.clear();
  }

  leave(group: GroupId): void {
    this.#leaving.add(group);
  }

  stay(group: GroupId): void {
    this.#leaving.delete(group);
  }

  left(group: GroupId): void {
    this.#leaving.delete(group);
    this.#plans.delete(group);
  }
}
