export type { ClockUnderTest, MakeClock } from "./clock.ts";
export { clockContract } from "./clock.ts";
export type { MakeDisk } from "./disk.ts";
export { diskContract } from "./disk.ts";
export { hashingContract } from "./hashing.ts";
export type { MakeKeyValue } from "./key-value.ts";
export { keyValueContract } from "./key-value.ts";
export { randomContract } from "./random.ts";
