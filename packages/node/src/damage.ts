/**
 * Damage that log, state store and block engine report in words of their own, as the error that people see: what is
 * damaged, and what to do. Everything else stays what it is.
 */

import { StoreError } from "@holdfast/base";
import { BlockError } from "@holdfast/blocks";
import { StateCorruptError } from "@holdfast/state";
import { WalError } from "@holdfast/wal";
import { rejoinHint } from "./refusal.ts";

export function asDamage(error: unknown): unknown {
  const isDamage =
    error instanceof StateCorruptError ||
    (error instanceof WalError && (error.kind === "damaged" || error.kind === "foreign")) ||
    (error instanceof BlockError && (error.kind === "corrupt" || error.kind === "unusable"));
  if (!isDamage) return error;
  const next = error instanceof WalError ? ` ${rejoinHint}` : "";
  return new StoreError(
    "DataCorrupt",
    `Stored data is damaged: ${error.message}. Restore the data directory from a backup; nothing that was stored has been removed.${next}`,
    { cause: error },
  );
}
