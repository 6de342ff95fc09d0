import { encode } from "@holdfast/base";
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
      if (log.appliedIndex < index) await log.readBarrier();
      return result;
    },
  };
}
