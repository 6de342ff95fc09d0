export type { BlockErrorKind } from "./block-error.ts";
export { BlockError } from "./block-error.ts";
export type { FrameSizes } from "./block-frames.ts";
export { BlockFrames } from "./block-frames.ts";
export type { Erased } from "./block-index.ts";
export type {
  BlockStat,
  BlockStore,
  BlocksHealth,
  BlocksUsage,
  ScrubStep,
  StoredBlock,
  VolumeUsage,
} from "./block-store.ts";
export { ByteGate } from "./byte-gate.ts";
export { checkBlockFormats, checkIndexFormat } from "./check-formats.ts";
export type { CompactionOutcome, CompactionStep } from "./compaction.ts";
export type { BlockStoreOptions } from "./open-block-store.ts";
export { openBlockStore } from "./open-block-store.ts";
export type { RecoveryReport } from "./recovery.ts";
export { readStoreIncarnation } from "./store-identity.ts";
