/**
 * One operation of a history, as a line of JSON. Histories say what clients did and saw, nothing of the store:
 *
 *   {"client":"a","key":"photos/1","kind":"write","value":"x","called":10,"returned":14,"outcome":"ok"}
 *   {"client":"b","key":"photos/1","kind":"write","value":"y","if":"x","called":12,"returned":19,"outcome":"refused"}
 *   {"client":"a","key":"photos/1","kind":"read","value":"x","called":20,"returned":21,"outcome":"ok"}
 *
 * `value` null is absence: a read that found nothing, a write that deletes. `if` makes a write conditional on the value
 * before it, null on absence; `unless` on any other value. `called` and `returned` are of one clock, in any unit.
 */

export type Value = string | null;

/** Of the value before a write. */
export type Condition = { readonly expected: Value } | { readonly unexpected: Value };

export type Operation = ReadOperation | WriteOperation;

interface Call {
  readonly client: string;
  readonly key: string;
  readonly called: number;
}

export interface ReadOperation extends Call {
  readonly kind: "read";
  /** What it found. A read without an answer says nothing and is left out. */
  readonly value: Value;
  readonly returned: number;
}

export interface WriteOperation extends Call {
  readonly kind: "write";
  readonly value: Value;
  /** Undefined: unconditional. */
  readonly condition: Condition | undefined;
  /** `refused`: the condition did not hold. `unknown`: it may take effect at any time, or never. */
  readonly outcome: "ok" | "refused" | "unknown";
  /** Infinity when the outcome is unknown. */
  readonly returned: number;
}

export class HistoryError extends Error {
  override readonly name: string = "HistoryError";
}

/** The inverse of `parseHistory`. */
export function formatHistory(history: readonly Operation[]): string {
  return history.map((operation) => `${JSON.stringify(lineOf(operation))}\n`).join("");
}

function lineOf(operation: Operation): Fields {
  const { client, key, kind, value, called, returned } = operation;
  const fields = { client, key, kind, value, called };
  if (operation.kind === "read") return { ...fields, returned, outcome: "ok" };
  const { condition, outcome } = operation;
  const known = outcome === "unknown" ? {} : { returned };
  return { ...fields, ...conditionFields(condition), ...known, outcome };
}

function conditionFields(condition: Condition | undefined): Fields {
  if (condition === undefined) return {};
  return "expected" in condition ? { if: condition.expected } : { unless: condition.unexpected };
}

/** Reads a history, one operation a line; empty lines are skipped. Throws HistoryError. */
export function parseHistory(text: string): readonly Operation[] {
  const operations: Operation[] = [];
  for (const [i, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    const operation = parseLine(line, i + 1);
    if (operation !== undefined) operations.push(operation);
  }
  return operations;
}

type Fields = Readonly<Record<string, unknown>>;

function parseLine(line: string, number: number): Operation | undefined {
  const fields = parseJson(line, number);
  const client = textOf(fields, "client", number);
  const key = textOf(fields, "key", number);
  const called = numberOf(fields, "called", number);
  const value = valueOf(fields, "value", number);
  const outcome = fields["outcome"];
  if (outcome !== "ok" && outcome !== "refused" && outcome !== "unknown")
    throw new HistoryError(`line ${number}: outcome is ok, refused or unknown`);
  const returned = outcome === "unknown" ? Number.POSITIVE_INFINITY : numberOf(fields, "returned", number);
  if (returned < called) throw new HistoryError(`line ${number}: returned before it was called`);
  switch (fields["kind"]) {
    case "read":
      return outcome === "ok" ? { kind: "read", client, key, called, value, returned } : undefined;
    case "write": {
      const condition = conditionOf(fields, number);
      if (outcome === "refused" && condition === undefined)
        throw new HistoryError(`line ${number}: a write without a condition cannot be refused`);
      return { kind: "write", client, key, called, value, condition, outcome, returned };
    }
    default:
      throw new HistoryError(`line ${number}: kind is read or write`);
  }
}

function conditionOf(fields: Fields, number: number): Condition | undefined {
  if ("if" in fields && "unless" in fields)
    throw new HistoryError(`line ${number}: if and unless exclude each other`);
  if ("unless" in fields) return { unexpected: valueOf(fields, "unless", number) };
  return "if" in fields ? { expected: valueOf(fields, "if", number) } : undefined;
}

function parseJson(line: string, number: number): Fields {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch (cause) {
    throw new HistoryError(`line ${number} is not JSON`, { cause });
  }
  if (typeof parsed !== "object" || parsed === null)
    throw new HistoryError(`line ${number} is not an object`);
  return parsed as Fields;
}

function textOf(fields: Fields, name: string, number: number): string {
  const value = fields[name];
  if (typeof value === "string") return value;
  if (typeof value === "number") return String(value);
  throw new HistoryError(`line ${number}: ${name} is missing`);
}

function numberOf(fields: Fields, name: string, number: number): number {
  const value = fields[name];
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw new HistoryError(`line ${number}: ${name} is not a number`);
}

function valueOf(fields: Fields, name: string, number: number): Value {
  const value = fields[name];
  if (typeof value === "string" || value === null) return value;
  throw new HistoryError(`line ${number}: ${name} is neither text nor null`);
}
