export { checkSegments } from "./find-segments.ts";
export type { WalErrorKind } from "./log-error.ts";
export { WalError } from "./log-error.ts";
export type { OpenedLog, OpenLogOptions } from "./open-log.ts";
export { openWriteAheadLog, segmentBytesMin } from "./open-log.ts";
export { appendBytesMax } from "./segmented-log.ts";
export type {
  CutTail,
  DamageEvidence,
  GroupInfo,
  LogEntry,
  LogPosition,
  LogWrite,
  Suspicion,
  WalRecovery,
  WriteAheadLog,
} from "./write-ahead-log.ts";
