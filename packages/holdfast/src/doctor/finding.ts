/** What `holdfast doctor` says: each check says one thing, and what is wrong comes with its reason and the next step. */

export type Severity = "ok" | "warning" | "error";

export interface Finding {
  /** Which check; scripts may rely on it. */
  readonly check: string;
  readonly severity: Severity;
  readonly what: string;
  /** Why it matters, and what to do; absent when all is well. */
  readonly why?: string;
  readonly next?: string;
}

export interface Advice {
  readonly why: string;
  readonly next: string;
}

export function ok(check: string, what: string): Finding {
  return { check, severity: "ok", what };
}

/** Not wrong yet, or not everywhere. */
export function warning(check: string, what: string, advice: Advice): Finding {
  return { check, severity: "warning", what, ...advice };
}

export function problem(check: string, what: string, advice: Advice): Finding {
  return { check, severity: "error", what, ...advice };
}
