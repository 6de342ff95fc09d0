/**
 * One key as a register: which orders of concurrent writes, deletes and reads explain what each of them answered.
 *
 * The check is the search of Wing and Gong with Lowe's memory of visited states: an operation takes effect at one
 * moment between its start and its end. One whose outcome is unknown may have taken effect in that time, or never.
 * The state of a key is the tag of the write that made it, or undefined for no file.
 */

export type Tag = string;
export type RegisterState = Tag | undefined;

/** Which states a conditional operation speaks of; the ETags are the model's business. */
export interface Condition {
  readonly ifNoneMatchAny?: boolean;
  /** ETag, or "*" for any file. */
  readonly ifMatch?: string;
}

export const noCondition: Condition = {};

export type Refused = "ConditionFailed" | "FileNotFound";

export type Effect =
  /** Sets the state, or removes the file (`undefined`), if the condition holds. */
  | {
      readonly kind: "write";
      readonly state: RegisterState;
      readonly condition: Condition;
      /** What a delete said about whether there was something; undefined when it said nothing. */
      readonly existed: boolean | undefined;
    }
  /** Was refused, rightly only if the state then asked for it. */
  | { readonly kind: "refused"; readonly condition: Condition; readonly code: Refused }
  | { readonly kind: "read"; readonly state: RegisterState }
  /** Read some file with this ETag, as a copy does with its source. */
  | { readonly kind: "readEtag"; readonly etag: string };

export interface RegisterOperation {
  /** What it was, for people. */
  readonly text: string;
  readonly effect: Effect;
  /** Places in the one order of all starts and ends. */
  readonly start: number;
  readonly end: number;
  /** Outcome unknown: took effect in that time, or never. */
  readonly maybe: boolean;
}

/** The ETag behind a tag; undefined while nobody has seen it. */
export type EtagOf = (tag: Tag) => string | undefined;

/** True when some order explains all answers, beginning with `initial`. */
export function isExplainable(
  operations: readonly RegisterOperation[],
  initial: RegisterState,
  etagOf: EtagOf,
): boolean {
  return new Search(operations, etagOf).run(initial);
}

class Search {
  readonly #operations: readonly RegisterOperation[];
  readonly #etagOf: EtagOf;
  readonly #done: boolean[];
  readonly #visited = new Set<string>();

  constructor(operations: readonly RegisterOperation[], etagOf: EtagOf) {
    this.#operations = [...operations].sort((a, b) => a.start - b.start);
    this.#etagOf = etagOf;
    this.#done = this.#operations.map(() => false);
  }

  run(state: RegisterState): boolean {
    return this.#search(state, 0);
  }

  /** `latestStart`: of the operations that took effect; nothing that ended before it can follow. */
  #search(state: RegisterState, latestStart: number): boolean {
    const before = `${this.#done.map((done) => (done ? "1" : "0")).join("")}${state ?? "-"}`;
    if (this.#visited.has(before)) return false;
    this.#visited.add(before);
    const deadline = this.#firstEnd();
    if (deadline === undefined) return true;
    // A read that fits changes nothing: taking it at once loses no order, unless it shuts out an uncertain write.
    for (const [i, operation] of this.#operations.entries()) {
      if (operation.start > deadline) break;
      if (this.#done[i] === true || operation.maybe || operation.effect.kind === "write") continue;
      if (this.#shutsOut(operation.start, latestStart)) continue;
      if (apply(operation.effect, state, this.#etagOf) === "impossible") continue;
      return this.#take(i, state, Math.max(latestStart, operation.start));
    }
    for (const [i, operation] of this.#operations.entries()) {
      if (operation.start > deadline) break;
      if (this.#done[i] === true || operation.end < latestStart) continue;
      const next = apply(operation.effect, state, this.#etagOf);
      if (next !== "impossible" && this.#take(i, next.state, Math.max(latestStart, operation.start)))
        return true;
    }
    return false;
  }

  #take(i: number, state: RegisterState, latestStart: number): boolean {
    this.#done[i] = true;
    if (this.#search(state, latestStart)) return true;
    this.#done[i] = false;
    return false;
  }

  #shutsOut(start: number, latestStart: number): boolean {
    return this.#operations.some(
      ({ maybe, end }, i) => maybe && this.#done[i] === false && end >= latestStart && end < start,
    );
  }

  /** The first end among the operations that must still take effect. */
  #firstEnd(): number | undefined {
    let first: number | undefined;
    for (const [i, { maybe, end }] of this.#operations.entries())
      if (this.#done[i] === false && !maybe && (first === undefined || end < first)) first = end;
    return first;
  }
}

function apply(
  effect: Effect,
  state: RegisterState,
  etagOf: EtagOf,
): { readonly state: RegisterState } | "impossible" {
  switch (effect.kind) {
    case "read":
      return effect.state === state ? { state } : "impossible";
    case "readEtag":
      return state !== undefined && mayHaveEtag(state, effect.etag, etagOf) ? { state } : "impossible";
    case "refused":
      return judge(effect.condition, state, etagOf).includes(effect.code) ? { state } : "impossible";
    case "write": {
      if (!judge(effect.condition, state, etagOf).includes("holds")) return "impossible";
      if (effect.existed !== undefined && effect.existed !== (state !== undefined)) return "impossible";
      return { state: effect.state };
    }
  }
}

/** What the condition may answer in this state; two answers while the state's ETag is not known. */
function judge(condition: Condition, state: RegisterState, etagOf: EtagOf): readonly (Refused | "holds")[] {
  const { ifMatch, ifNoneMatchAny } = condition;
  if (ifMatch !== undefined) {
    if (state === undefined) return ["FileNotFound"];
    if (ifMatch === "*") return ["holds"];
    const etag = etagOf(state);
    if (etag === undefined) return ["holds", "ConditionFailed"];
    return [etag === ifMatch ? "holds" : "ConditionFailed"];
  }
  return ifNoneMatchAny === true && state !== undefined ? ["ConditionFailed"] : ["holds"];
}

function mayHaveEtag(tag: Tag, etag: string, etagOf: EtagOf): boolean {
  const known = etagOf(tag);
  return known === undefined || known === etag;
}
