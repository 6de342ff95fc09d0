/**
 * Assertions stay on in production: a broken invariant stops the process (and fails the seed) before it can spread.
 * They never judge input from network, disk or user; that is validation and answers with a value or a StoreError.
 */

export class AssertionError extends Error {
  override readonly name: string = "AssertionError";
}

export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** Closes an exhaustive `switch`: compiles only while every case is handled. */
export function assertNever(value: never): never {
  throw new AssertionError(`unexpected value: ${JSON.stringify(value)}`);
}

/** The value, asserted to be there. */
export function present<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new AssertionError(`missing: ${what}`);
  return value;
}
