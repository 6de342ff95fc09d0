/**
 * What a shard does, said once more and naively: plain maps and sets, nothing encoded, nothing bounded. The model test runs
 * random commands against both.
 */

import type { BucketId, ContentId, Epoch, LogIndex, ShardId, WriterId } from "@holdfast/base";
import { contentIdText, epoch, equalBytes, limits } from "@holdfast/base";
import type { ContentPart, WriteCondition } from "@holdfast/namespace";
import type { Operation, ShardCommand, WriterProgress } from "../src/command.ts";
import type { ShardResult } from "../src/result.ts";

interface ModelFile {
  readonly etag: string;
  readonly bytes: number;
  readonly version: LogIndex;
  readonly modifiedAtMs: number;
  readonly content: ContentId | undefined;
  readonly reference: ContentId | undefined;
}

interface ModelContent {
  readonly id: ContentId;
  readonly parts: readonly ContentPart[];
  readonly references: Set<string>;
  readonly evidence: Epoch;
  deadSinceMs: number | undefined;
}

interface ModelUpload {
  readonly key: string;
  readonly bucket: BucketId;
  readonly parts: Map<number, ContentPart>;
  /** By part number. */
  readonly evidence: Map<number, Epoch>;
}

interface ModelWriter {
  readonly closed: Set<number>;
  readonly results: Map<number, ShardResult>;
  floor: number;
}

type Operate = Extract<ShardCommand, { kind: "operate" }>;
type Complete = Extract<Operation, { kind: "completeUpload" }>;
type Put = Extract<Operation, { kind: "putFile" }>;

const dayMs = 86_400_000;

export class ShardModel {
  readonly files = new Map<string, ModelFile>();
  readonly contents = new Map<string, ModelContent>();
  readonly uploads = new Map<number, ModelUpload>();
  readonly completed = new Map<
    number,
    { readonly bucket: BucketId; readonly key: string; readonly result: ShardResult }
  >();
  readonly writers = new Map<number, ModelWriter>();
  readonly buckets = new Map<number, "open" | "sealed" | "removed">();
  readonly outbox = new Map<number, { readonly content: string; readonly reference: string }>();
  timeMs = 0;
  lastWriter = 0;
  closedEpoch = 0;
  #index = 0 as LogIndex;
  #sequence = 0;
  readonly #id: ShardId;

  constructor(id: ShardId) {
    this.#id = id;
  }

  apply(index: LogIndex, timeMs: number, command: ShardCommand): ShardResult {
    this.#index = index;
    this.timeMs = Math.max(this.timeMs, timeMs);
    switch (command.kind) {
      case "openWriter":
        this.writers.set(index, { closed: new Set(), results: new Map(), floor: 0 });
        this.lastWriter = index;
        return { kind: "writerOpened", writer: index as number as WriterId };
      case "closeWriter":
        this.writers.delete(command.writer);
        return { kind: "done" };
      case "operate":
        return this.#operate(command);
      case "publishProgress": {
        const writer = this.writers.get(command.writer);
        if (writer === undefined) return { kind: "writerClosed" };
        publish(writer, command.progress);
        return { kind: "done" };
      }
      case "addReference": {
        const content = this.contents.get(contentIdText(command.content));
        if (command.content.home !== this.#id) return refuse("InvalidRequest");
        if (content === undefined || content.deadSinceMs !== undefined) return refuse("FileNotFound");
        content.references.add(contentIdText(command.reference));
        return { kind: "referenced", content: this.#asContent(content) };
      }
      case "dropReferences":
        for (const drop of command.drops)
          this.#drop(contentIdText(drop.content), contentIdText(drop.reference));
        return { kind: "done" };
      case "settleDrops":
        for (const sequence of command.sequences) this.outbox.delete(sequence);
        return { kind: "done" };
      case "forgetContents":
        for (const id of command.contents) {
          if (this.contents.get(contentIdText(id))?.deadSinceMs !== undefined)
            this.contents.delete(contentIdText(id));
        }
        return { kind: "done" };
      case "closeEpoch":
        this.closedEpoch = Math.max(this.closedEpoch, command.epoch);
        return { kind: "done" };
      case "installBucket":
      case "sealBucket":
      case "unsealBucket":
      case "removeBucket":
        return this.#bucketCommand(command);
    }
  }

  /** What streamStatus must say about an attempt. */
  statusOf(writer: number, number: number): string {
    for (const content of this.contents.values()) {
      const named = [content.id, ...content.parts].some(
        (part) => part.writer === writer && part.attempt === number,
      );
      if (named) return content.deadSinceMs === undefined ? "live" : "dead";
    }
    for (const { parts } of this.uploads.values()) {
      for (const part of parts.values()) if (part.writer === writer && part.attempt === number) return "live";
    }
    const found = this.writers.get(writer);
    if (found === undefined) return writer > this.lastWriter ? "open" : "garbage";
    return found.closed.has(number) || number < found.floor || found.results.has(number) ? "garbage" : "open";
  }

  #asContent(content: ModelContent): Extract<ShardResult, { kind: "referenced" }>["content"] {
    const bytes = content.parts.reduce((sum, part) => sum + part.bytes, 0);
    const redundancy = { dataFragments: 1, parityFragments: 2 };
    const { id, parts, evidence, deadSinceMs } = content;
    return { id, bytes, parts, redundancy, evidenceEpoch: evidence, deadSinceMs };
  }

  #bucketCommand(
    command: Extract<
      ShardCommand,
      { kind: "installBucket" | "sealBucket" | "unsealBucket" | "removeBucket" }
    >,
  ): ShardResult {
    const { kind, bucket } = command;
    const now = this.buckets.get(bucket);
    const isEmpty = [...this.files.keys()].every((name) => !name.startsWith(`${bucket}/`));
    if (kind === "installBucket") {
      if (now === "removed") return refuse("BucketNotFound");
      if (now === undefined) this.buckets.set(bucket, "open");
      return { kind: "done" };
    }
    if (kind === "sealBucket") {
      if (now === undefined) return refuse("BucketNotFound");
      if (now === "open") this.buckets.set(bucket, "sealed");
      return { kind: "sealed", empty: isEmpty };
    }
    if (kind === "unsealBucket") {
      if (now === undefined || now === "removed") return refuse("BucketNotFound");
      this.buckets.set(bucket, "open");
      return { kind: "done" };
    }
    if (now === "open") return refuse("InvalidRequest");
    if (!isEmpty) return refuse("BucketNotEmpty");
    this.buckets.set(bucket, "removed");
    for (const [number, upload] of this.uploads) if (upload.bucket === bucket) this.#close(number, new Set());
    return { kind: "done" };
  }

  #operate({ writer: id, attempt, progress, operation }: Operate): ShardResult {
    const writer = this.writers.get(id);
    if (writer === undefined) return { kind: "writerClosed" };
    publish(writer, progress);
    if (attempt < writer.floor || writer.closed.has(attempt)) return { kind: "writerClosed" };
    const before = writer.results.get(attempt);
    if (before !== undefined) return before;
    const isStreamed = operation.kind === "putFile" && operation.body.kind === "streamed";
    const evidence =
      operation.kind === "putPart"
        ? operation.evidenceEpoch
        : isStreamed
          ? operation.body.evidenceEpoch
          : this.closedEpoch;
    if (evidence < this.closedEpoch) return refuse("StaleEvidence");
    const result = this.#execute({ home: this.#id, writer: id, attempt }, operation);
    writer.results.set(attempt, result);
    return result;
  }

  #execute(attempt: ContentId, operation: Operation): ShardResult {
    const bucket = this.buckets.get(operation.bucket);
    if (bucket === "sealed") return refuse("Overloaded", "bucket");
    if (bucket !== "open") return refuse("BucketNotFound");
    const name = `${operation.bucket}/${operation.key}`;
    switch (operation.kind) {
      case "putFile":
        return this.#put(attempt, name, operation);
      case "deleteFile": {
        const file = this.files.get(name);
        const refused = judge(operation.condition, file?.etag);
        if (refused !== undefined) return refused;
        this.files.delete(name);
        this.#release(file);
        return { kind: "deleted", existed: file !== undefined };
      }
      case "createUpload":
        this.uploads.set(this.#index, {
          key: operation.key,
          bucket: operation.bucket,
          parts: new Map(),
          evidence: new Map(),
        });
        return { kind: "uploadCreated", upload: this.#index };
      case "putPart": {
        const upload = this.#upload(operation);
        if (upload === undefined) return refuse("UploadNotFound");
        const { part } = operation;
        if (part.attempt !== attempt.attempt || part.writer !== attempt.writer)
          return refuse("InvalidRequest");
        this.#kill(upload.parts.get(part.number));
        upload.parts.set(part.number, part);
        upload.evidence.set(part.number, operation.evidenceEpoch);
        return { kind: "partStored", modifiedAtMs: this.timeMs };
      }
      case "abortUpload":
        if (this.#upload(operation) === undefined) return refuse("UploadNotFound");
        this.#close(operation.upload, new Set());
        return { kind: "done" };
      case "completeUpload":
        return this.#complete(attempt, name, operation);
    }
  }

  #put(attempt: ContentId, name: string, { body, bytes, etag, condition }: Put): ShardResult {
    const refused = judge(condition, this.files.get(name)?.etag);
    if (refused !== undefined) return refused;
    let content: ContentId | undefined;
    if (body.kind === "streamed") {
      if (body.part.attempt !== attempt.attempt || body.part.writer !== attempt.writer)
        return refuse("InvalidRequest");
      content = attempt;
      this.#create(attempt, [body.part], body.evidenceEpoch);
    }
    if (body.kind === "referenced") {
      content = body.content;
      const found = this.contents.get(contentIdText(content));
      const isHeld =
        found?.references.has(contentIdText(attempt)) === true && this.#asContent(found).bytes === bytes;
      if (content.home === this.#id && !isHeld) return refuse("InvalidRequest");
    }
    return this.#commit(attempt, name, content, etag, bytes);
  }

  #complete(attempt: ContentId, name: string, request: Complete): ShardResult {
    const upload = this.#upload(request);
    if (upload === undefined) {
      const first = this.completed.get(request.upload);
      const isSame = first?.bucket === request.bucket && first.key === request.key;
      if (!isSame || first.result.kind !== "stored" || first.result.etag !== request.etag)
        return refuse("UploadNotFound");
      return first.result.modifiedAtMs + dayMs > this.timeMs ? first.result : refuse("UploadNotFound");
    }
    const numbers = request.parts.map(({ number }) => number);
    const disorder = numbers.find((number, i) => i > 0 && number <= (numbers[i - 1] ?? 0));
    if (disorder !== undefined) return refuse("InvalidPartOrder", String(disorder));
    if (numbers.length === 0) return refuse("InvalidPart");
    for (const { number, md5 } of request.parts) {
      const part = upload.parts.get(number);
      if (part === undefined || !equalBytes(part.md5, md5)) return refuse("InvalidPart", String(number));
    }
    const parts = numbers.flatMap((number) => upload.parts.get(number) ?? []);
    const small = parts.find((part, i) => i < parts.length - 1 && part.bytes < limits.partBytesMin);
    if (small !== undefined) return refuse("PartTooSmall", String(small.number));
    const refused = judge(request.condition, this.files.get(name)?.etag);
    if (refused !== undefined) return refused;
    const evidence = numbers.map((number) => upload.evidence.get(number) ?? 0);
    this.#create(attempt, parts, epoch(Math.min(...evidence)));
    this.#close(request.upload, new Set(numbers));
    const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
    const result = this.#commit(attempt, name, attempt, request.etag, bytes);
    this.completed.set(request.upload, { bucket: request.bucket, key: request.key, result });
    return result;
  }

  #commit(
    reference: ContentId,
    name: string,
    content: ContentId | undefined,
    etag: string,
    bytes: number,
  ): ShardResult {
    const before = this.files.get(name);
    const answer = { version: this.#index, etag, bytes, modifiedAtMs: this.timeMs };
    this.files.set(name, { ...answer, content, reference });
    this.#release(before);
    return { kind: "stored", ...answer };
  }

  #upload({
    upload,
    bucket,
    key,
  }: {
    upload: number;
    bucket: BucketId;
    key: string;
  }): ModelUpload | undefined {
    const found = this.uploads.get(upload);
    return found?.bucket === bucket && found.key === key ? found : undefined;
  }

  #close(number: number, used: ReadonlySet<number>): void {
    for (const [partNumber, part] of this.uploads.get(number)?.parts ?? [])
      if (!used.has(partNumber)) this.#kill(part);
    this.uploads.delete(number);
  }

  #create(id: ContentId, parts: readonly ContentPart[], evidence: Epoch): void {
    const references = new Set([contentIdText(id)]);
    this.contents.set(contentIdText(id), { id, parts, references, evidence, deadSinceMs: undefined });
  }

  #kill(part: ContentPart | undefined): void {
    if (part === undefined) return;
    const id = { home: this.#id, writer: part.writer, attempt: part.attempt };
    this.contents.set(contentIdText(id), {
      id,
      parts: [part],
      references: new Set(),
      evidence: epoch(0),
      deadSinceMs: this.timeMs,
    });
  }

  #release(file: ModelFile | undefined): void {
    if (file?.content === undefined || file.reference === undefined) return;
    const drop = { content: contentIdText(file.content), reference: contentIdText(file.reference) };
    if (file.content.home === this.#id) this.#drop(drop.content, drop.reference);
    else this.outbox.set(this.#sequence++, drop);
  }

  #drop(id: string, reference: string): void {
    const content = this.contents.get(id);
    if (content?.references.delete(reference) === true && content.references.size === 0)
      content.deadSinceMs = this.timeMs;
  }
}

function publish(writer: ModelWriter, progress: WriterProgress): void {
  writer.floor = Math.max(writer.floor, progress.floor);
  for (const { first, last } of progress.closed)
    for (let i: number = first; i <= last; i++) writer.closed.add(i);
  while (writer.closed.has(writer.floor)) writer.floor += 1;
  for (const attempt of Array.from(writer.results.keys())) {
    if (attempt < writer.floor || writer.closed.has(attempt)) writer.results.delete(attempt);
  }
}

function judge({ ifMatch, ifNoneMatch }: WriteCondition, etag: string | undefined): ShardResult | undefined {
  if (ifMatch !== undefined && etag === undefined) return refuse("FileNotFound");
  if (etag === undefined) return undefined;
  if (ifMatch?.kind === "etags" && !ifMatch.etags.includes(etag)) return refuse("ConditionFailed", etag);
  if (ifNoneMatch?.kind === "any" || ifNoneMatch?.etags.includes(etag) === true)
    return refuse("ConditionFailed", etag);
  return undefined;
}

function refuse(code: Extract<ShardResult, { kind: "refused" }>["code"], subject: string = ""): ShardResult {
  return { kind: "refused", code, subject };
}
