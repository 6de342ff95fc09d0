import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { concatBytes } from "@holdfast/base";
import type { Body } from "./body.ts";
import { bodyBytes, bodyLength } from "./body.ts";
import { noCondition } from "./register.ts";
import type { Name } from "./store-model.ts";
import { StoreModel } from "./store-model.ts";

const name: Name = { bucket: "b", key: "k" };
const source: Name = { bucket: "b", key: "source" };

/** A model and a store that may lie to it. */
class Bench {
  readonly model = new StoreModel();
  readonly #since = this.model.moment();

  write(tag: string, body: Body, at: Name = name, maybe: boolean = false): void {
    const started = this.model.start(at, `put ${tag}`);
    this.model.registerWrite(tag, body, `etag of ${tag}`);
    this.model.end(started, { kind: "write", state: tag, condition: noCondition, existed: undefined }, maybe);
  }

  remove(): void {
    const started = this.model.start(name, "delete");
    this.model.end(started, { kind: "write", state: undefined, condition: noCondition, existed: undefined });
  }

  copy(tag: string, etag: string | undefined): void {
    const started = this.model.start(name, `copy ${tag}`);
    this.model.registerCopy(tag, source, started.start);
    if (etag !== undefined) this.model.copied(tag, started, etag, undefined);
    const effect = { kind: "write", state: tag, condition: noCondition, existed: undefined } as const;
    this.model.end(started, effect, etag === undefined);
  }

  show(tag: string | undefined, bytes?: Uint8Array, at: Name = name, etag: string = `etag of ${tag}`): void {
    const started = this.model.start(at, "read");
    if (tag === undefined) return this.model.observe(started, undefined);
    const body = this.model.bodyOf(tag);
    const length = body === undefined ? (bytes?.length ?? 0) : bodyLength(body);
    this.model.observe(started, { tag, etag, bytes: length });
    if (bytes !== undefined) this.model.checkBytes(started, tag, 0, bytes);
  }

  settle(): void {
    this.model.settle(this.#since);
  }
}

const one: Body = { pieces: [{ id: 1, bytes: 100 }] };
const two: Body = { pieces: [{ id: 2, bytes: 100 }] };
const violation = { name: "Violation" };

describe("the model catches", () => {
  it("a lost acknowledged write", () => {
    const bench = new Bench();
    bench.write("a", one);
    bench.show(undefined);
    assert.throws(() => bench.settle(), violation);
  });

  it("an acknowledged overwrite that is taken back", () => {
    const bench = new Bench();
    bench.write("a", one);
    bench.write("b", two);
    bench.show("a", bodyBytes(one));
    assert.throws(() => bench.settle(), violation);
  });

  it("bytes of two contents in one file", () => {
    const bench = new Bench();
    bench.write("a", one);
    const mixed = concatBytes([bodyBytes(one, 0, 50), bodyBytes(two, 50, 50)]);
    assert.throws(() => bench.show("a", mixed), violation);
  });

  it("a deleted file that is back", () => {
    const bench = new Bench();
    bench.write("a", one);
    bench.remove();
    bench.show("a", bodyBytes(one));
    assert.throws(() => bench.settle(), violation);
  });

  it("a deleted file that is back after it was seen to be gone, though the delete's outcome was unknown", () => {
    const bench = new Bench();
    bench.write("a", one);
    const started = bench.model.start(name, "delete");
    const gone = { kind: "write", state: undefined, condition: noCondition, existed: undefined } as const;
    bench.model.end(started, gone, true);
    bench.show(undefined);
    bench.settle();
    bench.show("a", bodyBytes(one));
    assert.throws(() => bench.settle(), violation);
  });

  it("an upload that shows with some of its parts, or with its parts in another order", () => {
    const whole: Body = { pieces: [...one.pieces, ...two.pieces] };
    const bench = new Bench();
    bench.write("u", whole, name, true);
    const started = bench.model.start(name, "read");
    const half = { tag: "u", etag: "etag of u", bytes: 100 };
    assert.throws(() => bench.model.observe(started, half), violation);
    const turned = concatBytes([bodyBytes(two), bodyBytes(one)]);
    assert.throws(() => bench.show("u", turned), violation);
  });

  it("a file that nobody wrote, one with another write's ETag, one without metadata", () => {
    const bench = new Bench();
    bench.write("a", one);
    assert.throws(() => bench.show("stranger", bodyBytes(one)), violation);
    assert.throws(() => bench.show("a", undefined, name, "etag of b"), violation);
    const started = bench.model.start(name, "read");
    const bare = { tag: undefined, etag: "etag of a", bytes: 100 };
    assert.throws(() => bench.model.observe(started, bare), violation);
  });

  it("a listing that leaves out a file, or shows a deleted one", () => {
    const missing = new Bench();
    missing.write("a", one);
    missing.model.observeListed(missing.model.start(name, "list"), undefined);
    missing.show("a");
    assert.throws(() => missing.settle(), violation);
    const stale = new Bench();
    stale.write("a", one);
    stale.remove();
    stale.model.observeListed(stale.model.start(name, "list"), { etag: "etag of a", bytes: 100 });
    stale.show(undefined);
    assert.throws(() => stale.settle(), violation);
  });

  it("a copy of what its source did not show meanwhile", () => {
    const bench = new Bench();
    bench.write("a", one, source);
    bench.write("b", two, source);
    bench.copy("c", "etag of a");
    bench.show("c", bodyBytes(one), name, "etag of a");
    bench.show("b", bodyBytes(two), source);
    assert.throws(() => bench.settle(), violation);
  });
});

describe("the model accepts", () => {
  it("a write of unknown outcome, there or not, and holds to what it has seen", () => {
    for (const seen of ["a", undefined]) {
      const bench = new Bench();
      bench.write("a", one, name, true);
      bench.show(seen);
      bench.settle();
      bench.show(seen === undefined ? "a" : undefined);
      assert.throws(() => bench.settle(), violation);
    }
  });

  it("a copy of unknown outcome that turns out to show one of its source's contents", () => {
    const bench = new Bench();
    bench.write("a", one, source);
    bench.copy("c", undefined);
    bench.write("b", two, source);
    bench.show("c", bodyBytes(one), name, "etag of a");
    bench.show("b", bodyBytes(two), source);
    bench.settle();
  });

  it("what became known of an uncertain write as certain", () => {
    for (const tookEffect of [true, false]) {
      const bench = new Bench();
      const started = bench.model.start(name, "complete a");
      bench.model.registerWrite("a", one, "etag of a");
      const effect = { kind: "write", state: "a", condition: noCondition, existed: undefined } as const;
      const uncertain = bench.model.end(started, effect, true);
      if (tookEffect) uncertain.tookEffect();
      else uncertain.hadNone();
      bench.show(tookEffect ? undefined : "a");
      assert.throws(() => bench.settle(), violation);
    }
  });
});
