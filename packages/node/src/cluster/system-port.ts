import { encode, StoreError } from "@holdfast/base";
import type { Clock, ReplicatedLog, StateReader } from "@holdfast/ports";
import type { SystemResult } from "@holdfast/shard";
import { systemEntryCodec } from "@holdfast/shard";
import type { SystemPort } from "./layout-ports.ts";

/** The system group as this node has it: behind an entry that another node applied, a barrier brings its effects here. */
export function systemPort(log: ReplicatedLog<SystemResult>, state: StateReader, clock: Clock): SystemPort {
  return {
    state,
    append: async (command) => {
      const { index, result } = await log.append(
        encode(systemEntryCodec, { timeMs: clock.wallMs(), command }),
      );
      if (log.appliedIndex < index) await caughtUp(log);
      return result;
    },
  };
}

/** Whoever hears that it failed hears too that the entry was carried out. */
async function caughtUp(log: ReplicatedLog<SystemResult>): Promise<void> {
  try {
    await log.readBarrier();
  } catch (cause) {
    if (!(cause instanceof StoreError)) throw cause;
    const { code, message, retryable, fields } = cause;
    throw new StoreError(code, message, { cause, retryable, fields, outcome: "applied" });
  }
}
