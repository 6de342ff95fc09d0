/** `npm run conformance`: the suite as a table, against this project's own node or the endpoint that the environment names. */

import { openEndpoint } from "./endpoint.ts";
import { casesFor, operations } from "./operations.ts";
import { Target } from "./target.ts";

const target = await Target.open(await openEndpoint());
console.log(`${target.endpoint.url}\n`);
const failures: string[] = [];
let passedInAll = 0;
try {
  for (const operation of operations) {
    const cases = casesFor(operation, target.endpoint);
    let passed = 0;
    for (const { claim, run } of cases) {
      try {
        await run(target);
        passed++;
      } catch (error) {
        const [reason = ""] = String(error).split("\n").slice(0, 1);
        failures.push(`${operation.name}, ${claim}\n    ${reason}`);
      }
    }
    passedInAll += passed;
    const failed = cases.length - passed;
    console.log(
      `${operation.name.padEnd(56)} ${String(passed).padStart(4)} passed ${String(failed).padStart(4)} failed`,
    );
  }
} finally {
  await target.close();
}
for (const failure of failures) console.log(`\n${failure}`);
console.log(`\n${passedInAll} passed, ${failures.length} failed`);
if (failures.length > 0) process.exitCode = 1;
