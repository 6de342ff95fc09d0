/** What a check of the store has to say, event by event, and in JSON as it stands here. */

/** Something is wrong: data are missing or damaged, or records contradict each other. */
export type ProblemKind =
  /** A version names a content that is dead or not on record. */
  | "version-without-content"
  /** A version's content does not have the version among its references (S5): it may die while it is needed. */
  | "version-without-reference"
  /** Length, ETag or checksum of a version are not those of its content. */
  | "version-inconsistent"
  /** A reference that no version holds: its content never dies. */
  | "reference-without-version"
  /** The size kept of a set of references is not its size. */
  | "reference-count"
  /** A content's record contradicts itself or the records of its parts. */
  | "content-inconsistent"
  /** No slot has the block whole: its bytes are lost. */
  | "block-missing"
  | "block-damaged"
  /** A block is not as long as its part says. */
  | "block-length"
  /** The blocks of a part, each whole by itself, are not the part that was committed (S1). */
  | "part-checksum"
  /** A value of the state does not match its checksum (S12). */
  | "state-damaged"
  /** The digest kept of a group's state is not that of the state (S12). */
  | "state-digest";

export interface FsckProblem {
  readonly kind: "problem";
  readonly problem: ProblemKind;
  readonly message: string;
  /** As `bucket/key`; of a content that many files share, some. */
  readonly files: readonly string[];
  readonly content?: string;
  /** The first block concerned. */
  readonly block?: string;
}

/** What comes right by itself. */
export interface FsckNote {
  readonly kind: "note";
  readonly note:
    | "unreferenced-blocks"
    | "abandoned-reference"
    /** Blocks that should be on this node, too, and are not; not known to be lost. */
    | "replica-missing"
    /** The same, damaged on this node. */
    | "replica-damaged";
  readonly message: string;
  readonly content: string;
  readonly bytes: number;
}

export type FsckStage = "state" | "files" | "references" | "contents" | "blocks";

export interface FsckCounts {
  readonly files: number;
  readonly contents: number;
  /** Blocks that a content or an open upload names. */
  readonly blocks: number;
  readonly bytes: number;
}

export interface FsckProgress extends FsckCounts {
  readonly kind: "progress";
  readonly stage: FsckStage;
  /** Blocks stored on this node: what `blocks` approaches. */
  readonly blocksStored: number;
}

export interface FsckSummary extends FsckCounts {
  readonly kind: "summary";
  readonly clean: boolean;
  readonly problems: number;
  /** Blocks that nobody names and that the next collection erases. */
  readonly unreferencedBytes: number;
  /** Blocks of dead contents, kept for readers of before (S6). */
  readonly awaitingErasureBytes: number;
  /** Blocks that should be whole on this node and are not, while others have them, or may. */
  readonly incompleteReplicas: number;
}

export type FsckEvent = FsckProblem | FsckNote | FsckProgress | FsckSummary;

export interface FsckOptions {
  /** Reads every byte; otherwise blocks are looked up, with their lengths and checksums. */
  readonly deep?: boolean;
  /** Only files of a bucket whose keys begin so, and what they name; otherwise everything on this node. */
  readonly within?: { readonly bucket: string; readonly prefix: string } | undefined;
  readonly signal?: AbortSignal | undefined;
}
