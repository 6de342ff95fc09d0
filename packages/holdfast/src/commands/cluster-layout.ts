/** `holdfast cluster layout revert`: what is moving stays where it was. */

import type { Session } from "../command-line/session.ts";

export async function revertLayout({ output, signal, ...session }: Session): Promise<void> {
  const store = await session.store();
  const { change } = (await store.cluster({ signal })).partitions;
  const { reverted } =
    change === undefined ? { reverted: false } : await store.revertLayout(change, { signal });
  await output.result(
    { kind: "layout-reverted", change, reverted },
    reverted ? `the layout change of epoch ${change ?? 0} is taken back` : "no layout change is under way",
  );
  if (!reverted || output.json) return;
  output.note(
    "Nodes that asked for it still do, so it begins anew in a moment: drain a node that will not come back.",
  );
}
