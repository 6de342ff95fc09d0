export type { CheckOptions, HistoryVerdict, KeyProblem } from "./check-history.ts";
export { checkHistory } from "./check-history.ts";
export type { KeyVerdict } from "./check-key.ts";
export { checkKey } from "./check-key.ts";
export { describeProblem } from "./describe.ts";
export type { Condition, Operation, ReadOperation, Value, WriteOperation } from "./operation.ts";
export { formatHistory, HistoryError, parseHistory } from "./operation.ts";
