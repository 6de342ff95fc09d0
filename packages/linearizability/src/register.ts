/** What a key is: a register that may be absent. All that the search knows of the store's meaning. */

import type { Condition, Operation, Value } from "./operation.ts";

export const initialValue: Value = null;

/** The value behind the operation if it takes effect on this one, or undefined if it cannot have done so here. */
export function take(operation: Operation, value: Value): { readonly value: Value } | undefined {
  if (operation.kind === "read") return operation.value === value ? { value } : undefined;
  const holds = operation.condition === undefined || isMet(operation.condition, value);
  switch (operation.outcome) {
    case "ok":
      return holds ? { value: operation.value } : undefined;
    case "refused":
      return holds ? undefined : { value };
    case "unknown":
      // If its condition does not hold it changes nothing, and was as good as never carried out.
      return holds ? { value: operation.value } : undefined;
  }
}

function isMet(condition: Condition, value: Value): boolean {
  return "expected" in condition ? condition.expected === value : condition.unexpected !== value;
}
