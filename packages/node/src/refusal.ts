import type { ErrorCode } from "@holdfast/base";
import { StoreError } from "@holdfast/base";

/** Of "Overloaded": the bucket is just being deleted. */
export const bucketSubject = "bucket";

/** What is left where a log is lost for good, or may be (S11). */
export const rejoinHint =
  "If the log is lost for good and the cluster has other nodes, this node can come back without it, with its volumes: `holdfast server --rejoin`.";

/** Turns a state machine's refusal into the error that clients see. */
export function refusal(code: ErrorCode, subject: string): StoreError {
  return new StoreError(code, sentence(code, subject), subject === "" ? {} : { fields: { subject } });
}

const sentences: Partial<Record<ErrorCode, (subject: string) => string>> = {
  BucketNotFound: () => "The bucket does not exist. Create it first.",
  BucketAlreadyExists: () => "A bucket of this name exists already. Choose another name.",
  BucketAlreadyOwnedByYou: () => "You have a bucket of this name already.",
  FileNotFound: () => "The file does not exist.",
  ConditionFailed: () =>
    "The file is not in the state that the condition asks for. Read it again and decide anew.",
  UploadNotFound: () => "The upload does not exist: it was completed, aborted, or never made.",
  InvalidPart: (part) =>
    `Part ${part} was not found, or its ETag differs. List the parts and send the missing ones.`,
  InvalidPartOrder: () => "The parts must be listed in ascending order of their numbers.",
  PartTooSmall: (part) => `Part ${part} is smaller than 5 MiB; only the last part may be.`,
  InvalidToken: () =>
    "The join token is wrong, used, revoked or expired. Make a new one with `holdfast cluster token`.",
  NodeConflict: () =>
    "The cluster knows a node of this id with another data directory. Start the node on its own directory, or on an empty one.",
  NodeNotFound: (node) => `The cluster has no node ${node}. \`holdfast cluster status\` lists them.`,
  NodeInUse: () => "The node still holds data or replicas. Drain it first, and wait until it holds none.",
  Overloaded: (subject) =>
    subject === bucketSubject
      ? "The bucket is just being deleted. Try again in a moment."
      : "Too many requests are under way. Try again in a moment.",
};

function sentence(code: ErrorCode, subject: string): string {
  const said = sentences[code]?.(subject);
  if (said !== undefined) return said;
  return subject === ""
    ? `The request was refused: ${code}.`
    : `The request was refused: ${code} (${subject}).`;
}
