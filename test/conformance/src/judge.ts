/** Runs every case and prints what became of each operation. */

import { AssertionError } from "node:assert/strict";
import type { ConformanceOperation } from "./conformance-case.ts";
import { openEndpoint } from "./endpoint.ts";
import { casesFor, operations } from "./operations.ts";
import { Target } from "./target.ts";

interface Verdict {
  readonly passed: number;
  /** Claim and reason. */
  readonly failures: readonly string[];
}

/** True when every claim holds. */
export async function judge(): Promise<boolean> {
  const target = await Target.open(await openEndpoint());
  console.log(`${target.endpoint.url}\n`);
  const failures: string[] = [];
  let passed = 0;
  try {
    for (const operation of operations) {
      const verdict = await judgeOperation(operation, target);
      const failed = String(verdict.failures.length).padStart(4);
      console.log(
        `${operation.name.padEnd(56)} ${String(verdict.passed).padStart(4)} passed ${failed} failed`,
      );
      passed += verdict.passed;
      failures.push(...verdict.failures);
    }
  } finally {
    await target.close();
  }
  for (const failure of failures) console.log(`\n${failure}`);
  const all = operations.reduce((sum, { cases }) => sum + cases.length, 0);
  const leftOut = all - passed - failures.length;
  console.log(
    `\n${passed} passed, ${failures.length} failed, ${leftOut} left out (they need a node of this project or a domain)`,
  );
  return failures.length === 0;
}

async function judgeOperation(operation: ConformanceOperation, target: Target): Promise<Verdict> {
  let passed = 0;
  const failures: string[] = [];
  for (const { claim, run } of casesFor(operation, target.endpoint)) {
    try {
      await run(target);
      passed++;
    } catch (error) {
      failures.push(`${operation.name}, ${claim}\n    ${reasonOf(error)}`);
    }
  }
  return { passed, failures };
}

/** What was compared, in one line. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (!(error instanceof AssertionError)) return error.message;
  return `${JSON.stringify(error.actual)} instead of ${JSON.stringify(error.expected)}`;
}
