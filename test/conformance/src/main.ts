/**
 * `npm run conformance`: the suite as a table, against this project's own node or the endpoint that the environment names.
 * `npm run conformance -- --write-docs` brings the tables of docs/s3.md up to date instead.
 */

import { writeDocument } from "./documentation.ts";
import { judge } from "./judge.ts";

if (process.argv.includes("--write-docs")) await writeDocument();
else if (!(await judge())) process.exitCode = 1;
