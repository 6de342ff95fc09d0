/**
 * What may be asked of a shard, by whoever serves a request or works in the background: a question, its answer, and how a replica
 * finds the answer in its state. The same question is asked of the replica on this node, without being encoded, and of one
 * on another node.
 *
 * An answer shows everything that was acknowledged before the question was asked.
 */

import type { Awaitable, Codec, ShardId } from "@holdfast/base";
import { DecodeError, decode, encode, UnsupportedVersionError } from "@holdfast/base";
import type { StateReader } from "@holdfast/ports";

/** A question as those who answer other nodes see it. */
export interface ServedQuestion {
  /** On the wire: never given to another question, nor to the same one with other fields. */
  readonly tag: number;
  /** Throws DecodeError for what is no such question. */
  serve(state: StateReader, asked: Uint8Array, shard: ShardId): Uint8Array;
}

export interface QuestionParts<Asked, Answer> {
  readonly tag: number;
  readonly asked: Codec<Asked>;
  readonly answer: Codec<Answer>;
  /** In one synchronous run, in a state behind a read barrier. */
  readonly find: (state: StateReader, asked: Asked, shard: ShardId) => Answer;
}

export class ShardQuestion<Asked, Answer> implements ServedQuestion {
  readonly tag: number;
  readonly asked: Codec<Asked>;
  readonly answer: Codec<Answer>;
  readonly find: (state: StateReader, asked: Asked, shard: ShardId) => Answer;

  constructor({ tag, asked, answer, find }: QuestionParts<Asked, Answer>) {
    this.tag = tag;
    this.asked = asked;
    this.answer = answer;
    this.find = find;
  }

  serve(state: StateReader, asked: Uint8Array, shard: ShardId): Uint8Array {
    return encode(this.answer, this.answerFrom(state, decode(this.asked, asked), shard));
  }

  /** As `find`; a state that cannot be read is told so (S12). */
  answerFrom(state: StateReader, asked: Asked, shard: ShardId): Answer {
    try {
      return this.find(state, asked, shard);
    } catch (error) {
      const isDamage = error instanceof DecodeError && !(error instanceof UnsupportedVersionError);
      throw isDamage ? (state.unreadable?.() ?? error) : error;
    }
  }
}

/** A shard that can be asked, wherever its replicas are. */
export interface ShardReads {
  /** Throws StoreError "Unavailable" when nobody can say now. Byte strings in the answer are to be read, not changed. */
  ask<Asked, Answer>(question: ShardQuestion<Asked, Answer>, asked: Asked): Awaitable<Answer>;
}
