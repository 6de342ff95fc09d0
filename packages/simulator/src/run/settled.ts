/** A promise that a simulation looks at between its steps. */
export interface Settled<T> {
  done: boolean;
  value: T | undefined;
  error: unknown;
}

export function settled<T>(promise: Promise<T>): Settled<T> {
  const state: Settled<T> = { done: false, value: undefined, error: undefined };
  promise.then(
    (value) => {
      state.done = true;
      state.value = value;
    },
    (error: unknown) => {
      state.done = true;
      state.error = error;
    },
  );
  return state;
}
