/** Runs one command line and turns what became of it into the exit code: 0 done, 1 failed, 2 wrong usage. */

import { CommanderError } from "commander";
import { explain } from "./failure.ts";
import { failureText } from "./output.ts";
import { createProgram } from "./program.ts";

export async function main(args: readonly string[]): Promise<void> {
  surviveClosedPipes();
  try {
    await createProgram().parseAsync(args, { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) {
      // Commander has said what is wrong already. Help that was asked for is no mistake.
      process.exitCode = error.exitCode === 0 ? 0 : 2;
      return;
    }
    const explanation = explain(error);
    process.stderr.write(`${failureText(explanation, args.includes("--json"))}\n`);
    process.exitCode = explanation.exitCode;
  }
}

/** `holdfast ls | head`: a reader that has seen enough is no failure. */
function surviveClosedPipes(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    process.stderr.write(`holdfast: cannot write the result: ${error.message}\n`);
    process.exit(1);
  });
}
