/** Loaded first in a process that runs a mutant (`--import`): the file is patched as it is loaded, nowhere else. */

import { registerHooks } from "node:module";
import { pathToFileURL } from "node:url";
import { applyEdits } from "./apply-edits.ts";
import { findMutant } from "./catalogue.ts";

const mutant = findMutant(process.env["HOLDFAST_MUTANT"] ?? "");
const url = pathToFileURL(`${process.cwd()}/${mutant.file}`).href;

registerHooks({
  load: (loaded, context, next) => {
    const result = next(loaded, context);
    if (loaded !== url) return result;
    const source =
      typeof result.source === "string" ? result.source : new TextDecoder().decode(result.source);
    return { ...result, source: applyEdits(mutant, source) };
  },
});
