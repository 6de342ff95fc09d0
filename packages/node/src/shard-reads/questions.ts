/** All that other nodes may ask of a shard here. */

import { assert } from "@holdfast/base";
import {
  contentQuestion,
  contentStatusQuestion,
  isContentGoneQuestion,
  ownerQuestion,
  referenceStatusesQuestion,
  referredQuestion,
  streamPartQuestion,
  streamStatusesQuestion,
  writersQuestion,
} from "./content-questions.ts";
import { completionQuestion, etagQuestion, fileQuestion, uploadQuestion } from "./file-questions.ts";
import { filesQuestion, partsQuestion, uploadsQuestion } from "./listing-questions.ts";
import type { ServedQuestion } from "./shard-question.ts";

const all: readonly ServedQuestion[] = [
  fileQuestion,
  etagQuestion,
  uploadQuestion,
  completionQuestion,
  filesQuestion,
  uploadsQuestion,
  partsQuestion,
  contentQuestion,
  isContentGoneQuestion,
  referredQuestion,
  contentStatusQuestion,
  streamStatusesQuestion,
  referenceStatusesQuestion,
  streamPartQuestion,
  ownerQuestion,
  writersQuestion,
];

/** By tag. */
export const shardQuestions: ReadonlyMap<number, ServedQuestion> = new Map(
  all.map((question) => [question.tag, question]),
);
assert(shardQuestions.size === all.length, "each question has a tag of its own");
