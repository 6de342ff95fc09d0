/**
 * What is there mostly at once, and sometimes comes later. An async function makes a promise, and whoever awaits it another
 * turn, even where nothing waits; on the path of every request those add up to more than the work between them.
 */
export type Awaitable<T> = T | Promise<T>;

/** `next` of the value: in this very run when the value is there, else when it has come. */
export function andThen<T, U>(value: Awaitable<T>, next: (value: T) => Awaitable<U>): Awaitable<U> {
  return value instanceof Promise ? value.then(next) : next(value);
}
