/** The process that looks through the state store in the folder that is its argument, and reports to who started it. */

import { nodeHashing, openKeyValue, realClock } from "@holdfast/host";
import { checkStates } from "@holdfast/node";
import type { StateCheckReport } from "./report.ts";
import { Watchdog } from "./watchdog.ts";

const [directory = ""] = process.argv.slice(2);
process.on("disconnect", () => process.exit(1));
const watchdog = new Watchdog();
const open = (): ReturnType<typeof openKeyValue> => openKeyValue(directory);
const damage = await checkStates(open, nodeHashing, realClock, () => watchdog.feed());
const report: StateCheckReport = { damage };
process.send?.(report, () => process.exit(0));
