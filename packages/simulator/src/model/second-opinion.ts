/**
 * The same answers of one key before another judge: packages/linearizability, which shares no code with register.ts and knows
 * nothing but ETags. A fault in one of the two searches shows as a key on which they differ.
 */

import type { Operation, Value } from "@holdfast/linearizability";
import { checkHistory, describeProblem } from "@holdfast/linearizability";
import type { Condition, Effect, EtagOf, RegisterOperation, RegisterState } from "./register.ts";

/** Far above what any key of a seed has needed. */
const stepsMax = 2_000_000;

/** Lines for people when no order explains the answers. */
export function secondOpinion(
  operations: readonly RegisterOperation[],
  initial: RegisterState,
  etagOf: EtagOf,
): readonly string[] | undefined {
  if (isBeyond(operations, initial, etagOf)) return undefined;
  const valueOf = (state: RegisterState): Value =>
    state === undefined ? null : (etagOf(state) ?? `unseen ${state}`);
  const history = operations.map((operation) => translated(operation, valueOf));
  const before: Operation = { ...calledAt(-1), kind: "write", value: valueOf(initial), ...unconditional };
  const { problems } = checkHistory([before, ...history], { stepsMax });
  return problems.length === 0 ? undefined : problems.flatMap(describeProblem);
}

/** A copy that nobody saw has an ETag that nobody knows: whether a condition on an ETag holds there it cannot tell. */
function isBeyond(operations: readonly RegisterOperation[], initial: RegisterState, etagOf: EtagOf): boolean {
  const isUnseen = (state: RegisterState): boolean => state !== undefined && etagOf(state) === undefined;
  const written = operations.map(({ effect }) => (effect.kind === "write" ? effect.state : undefined));
  return [initial, ...written].some(isUnseen);
}

function translated(
  { text, effect, start, end, maybe }: RegisterOperation,
  valueOf: (state: RegisterState) => Value,
): Operation {
  const call = { client: text, key: "it", called: start, returned: end };
  switch (effect.kind) {
    case "read":
      return { ...call, kind: "read", value: valueOf(effect.state) };
    case "readEtag":
      return { ...call, kind: "read", value: effect.etag };
    case "refused":
      // Refused because there is no file: as good as having read that.
      if (effect.code === "FileNotFound") return { ...call, kind: "read", value: null };
      return { ...call, kind: "write", value: null, condition: guard(effect.condition), outcome: "refused" };
    case "write": {
      const answer = maybe
        ? ({ outcome: "unknown", returned: Number.POSITIVE_INFINITY } as const)
        : ({ outcome: "ok" } as const);
      return { ...call, kind: "write", value: valueOf(effect.state), condition: guardOf(effect), ...answer };
    }
  }
}

function guardOf({ condition, existed }: Extract<Effect, { kind: "write" }>): Guard {
  const found = existed === undefined ? undefined : existed ? { unexpected: null } : { expected: null };
  return guard(condition) ?? found;
}

type Guard = Extract<Operation, { kind: "write" }>["condition"];

function guard({ ifMatch, ifNoneMatchAny }: Condition): Guard {
  if (ifMatch !== undefined) return ifMatch === "*" ? { unexpected: null } : { expected: ifMatch };
  return ifNoneMatchAny === true ? { expected: null } : undefined;
}

const unconditional = { condition: undefined, outcome: "ok" } as const;

function calledAt(
  moment: number,
): Pick<Operation, "client" | "key" | "called"> & { readonly returned: number } {
  return { client: "before", key: "it", called: moment, returned: moment };
}
