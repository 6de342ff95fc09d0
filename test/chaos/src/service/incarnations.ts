/** How the nodes of a test learn of each other's logs before their first start: each writes its own down, and waits. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { StoreError, utf8 } from "@holdfast/base";
import type { Clock, Disk } from "@holdfast/ports";
import { replaceWhole, sleep } from "@holdfast/ports";

const fileName = "incarnation";
const deadlineMs = 30_000;
const pauseMs = 10;

/** Of all nodes, in their order. */
export async function exchangeIncarnations(
  disk: Disk,
  folders: readonly string[],
  own: string,
  clock: Clock,
): Promise<readonly string[]> {
  await replaceWhole(disk, "", fileName, utf8(own));
  const endsAt = clock.monotonicMs() + deadlineMs;
  return Promise.all(
    folders.map(async (folder) => {
      for (;;) {
        const found = await readFile(join(folder, fileName), "utf8").catch(() => undefined);
        if (found !== undefined) return found;
        if (clock.monotonicMs() > endsAt) throw new StoreError("Unavailable", `${folder} never came to be`);
        await sleep(clock, pauseMs);
      }
    }),
  );
}
