/** What the whole node does while it is crashed. */

import { KiB, limits } from "@holdfast/base";
import type { Name } from "../model/store-model.ts";
import type { Step } from "./store-state.ts";

const key = (bucket: string, name: string): Name => ({ bucket, key: name });
const [inline, streamed] = [key("first", "inline"), key("first", "streamed")];

const wait: Step = { kind: "wait", ms: 6 };

/** Each kind of change at least once, each beside checkpoints. */
export const everyChange: readonly Step[] = [
  { kind: "create-bucket", bucket: "first" },
  { kind: "create-bucket", bucket: "second" },
  { kind: "put", name: inline, piece: { id: 1, bytes: 700 } },
  { kind: "put", name: streamed, piece: { id: 2, bytes: limits.inlineBytesMax + 5 * KiB } },
  wait,
  { kind: "put", name: inline, piece: { id: 3, bytes: limits.inlineBytesMax } },
  { kind: "put", name: inline, piece: { id: 11, bytes: limits.inlineBytesMax - 1 } },
  { kind: "put", name: streamed, piece: { id: 4, bytes: limits.inlineBytesMax + 9 * KiB } },
  { kind: "copy", from: streamed, name: key("second", "copy") },
  wait,
  { kind: "create-upload", upload: "kept", name: key("first", "uploaded") },
  { kind: "put-part", upload: "kept", part: 2, piece: { id: 5, bytes: 20 * KiB } },
  { kind: "put-part", upload: "kept", part: 2, piece: { id: 6, bytes: 18 * KiB } },
  { kind: "complete-upload", upload: "kept" },
  { kind: "create-upload", upload: "given-up", name: key("second", "given-up") },
  { kind: "put-part", upload: "given-up", part: 1, piece: { id: 7, bytes: 17 * KiB } },
  { kind: "put-part", upload: "given-up", part: 4, piece: { id: 8, bytes: 100 } },
  wait,
  { kind: "delete", name: streamed },
  { kind: "put", name: inline, piece: { id: 12, bytes: limits.inlineBytesMax } },
  { kind: "abort-upload", upload: "given-up" },
  { kind: "put", name: key("second", "copy"), piece: { id: 9, bytes: 3 * KiB } },
  { kind: "wait", ms: 160 },
  { kind: "collect" },
  { kind: "create-bucket", bucket: "third" },
  { kind: "put", name: key("third", "only"), piece: { id: 10, bytes: limits.inlineBytesMax + 1 } },
  { kind: "delete", name: key("third", "only") },
  { kind: "delete-bucket", bucket: "third" },
  wait,
];

/** Nothing but log entries, until segments are full, checkpointed and deleted. */
export const logAndState: readonly Step[] = [
  { kind: "create-bucket", bucket: "first" },
  ...Array.from({ length: 12 }, (_, i): readonly Step[] => [
    { kind: "put", name: key("first", `k${i % 3}`), piece: { id: 100 + i, bytes: 15 * KiB - i } },
    i % 4 === 3 ? { kind: "delete", name: key("first", `k${(i + 1) % 3}`) } : { kind: "wait", ms: i % 3 },
  ]).flat(),
  wait,
];
