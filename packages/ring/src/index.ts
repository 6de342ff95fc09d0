export type { LayoutChange, LayoutRefusal, NewLayout } from "./change-layout.ts";
export { completePartitions, createLayout, nextLayout, revertPartitions } from "./change-layout.ts";
export type { LayoutDescription, NodeDescription, TableDescription } from "./describe-layout.ts";
export { describeLayout, describeTable } from "./describe-layout.ts";
export type { DrawOptions } from "./draw-layout.ts";
export { drawLayout } from "./draw-layout.ts";
export type { Layout, PartitionTable } from "./layout.ts";
export {
  checkLayout,
  hasJointPartitions,
  idOf,
  isJoint,
  isNamed,
  isNewOwner,
  jointPartitions,
  nodeAt,
  nodesOf,
  oldNodeAt,
  partitionCountOf,
  shardCountOf,
  slotOf,
  tableOfWidth,
  tablesMax,
  widthMax,
} from "./layout.ts";
export { layoutCodec } from "./layout-codec.ts";
export type { Member } from "./member.ts";
export { membersMax, nameBytesMax, weightMax } from "./member.ts";
export type { MovementPlan, NodeMovement, TableMovement } from "./movement-plan.ts";
export { planMovement } from "./movement-plan.ts";
export type { PartitionId } from "./partition.ts";
export {
  blockHash,
  partitionBitsDefault,
  partitionBitsFor,
  partitionBitsMax,
  partitionBitsMin,
  partitionId,
  partitionOfHash,
} from "./partition.ts";
export type { Survey, SurveyedCluster } from "./survey.ts";
export { surveyCluster, surveyMembers } from "./survey.ts";
export { leaderWish, voterCountFor, voterWish } from "./voters.ts";
