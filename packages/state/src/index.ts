export type { StateDigest } from "./digest.ts";
export { emptyDigest } from "./digest.ts";
export type { DigestStep, DigestWalk } from "./digest-walk.ts";
export { checkStateFormat, GroupState } from "./group-state.ts";
export { StateStore } from "./state-store.ts";
export { StateCorruptError } from "./stored-value.ts";
