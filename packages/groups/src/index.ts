export type { Group, GroupLeader } from "./group.ts";
export type { GroupHostEvents, GroupHostOptions, OpenGroupOptions } from "./group-host.ts";
export { GroupHost } from "./group-host.ts";
export type { GroupMachine, MachineSnapshot, StagedState } from "./group-machine.ts";
export { heirOf } from "./heir.ts";
export type { GroupHostLimits } from "./limits.ts";
export { defaultGroupHostLimits } from "./limits.ts";
export type { Place, Places } from "./places.ts";
