import type { KeyProblem } from "./check-history.ts";
import type { Condition, Operation, Value } from "./operation.ts";

/** How many operations before the contradiction are shown. */
const tailMax = 10;

/** A problem in lines for people: what could be explained last, and what could not come next. */
export function describeProblem({ key, verdict }: KeyProblem): readonly string[] {
  if (verdict.kind === "undecided")
    return [`key ${key}: undecided after ${verdict.steps} steps of the search`];
  const { explained, value, stuck } = verdict;
  return [
    `key ${key}: not linearizable`,
    ...(explained.length > tailMax ? [`  ... ${explained.length - tailMax} operations before`] : []),
    ...explained.slice(-tailMax).map((operation) => `  ${describe(operation)}`),
    `  the value is ${show(value)}; none of these can come next, and one of them must:`,
    ...stuck.map((operation) => `  ? ${describe(operation)}`),
  ];
}

function describe(operation: Operation): string {
  const { client, called, returned } = operation;
  const when = `${called} to ${Number.isFinite(returned) ? returned : "?"}`;
  if (operation.kind === "read") return `${client} reads ${show(operation.value)} (${when})`;
  const { condition, outcome, value } = operation;
  return `${client} writes ${show(value)}${guard(condition)}: ${outcome} (${when})`;
}

function guard(condition: Condition | undefined): string {
  if (condition === undefined) return "";
  return "expected" in condition
    ? ` if ${show(condition.expected)}`
    : ` unless ${show(condition.unexpected)}`;
}

function show(value: Value): string {
  return value === null ? "nothing" : JSON.stringify(value);
}
