export type { ErrorCode, Outcome } from "@holdfast/base";
export { StoreError } from "@holdfast/base";
export type { Store } from "@holdfast/client";
export type { HoldfastOptions } from "./holdfast.ts";
export { Holdfast } from "./holdfast.ts";
export type { LogLevel } from "./server/config.ts";
