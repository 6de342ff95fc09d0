import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "@holdfast/base";
import * as fc from "fast-check";
import { allMultipliers } from "../test-support/multipliers.ts";
import { range, slowEncode } from "../test-support/slow-reed-solomon.ts";
import type { ErasureCoder, Fragments } from "./erasure-coder.ts";
import { createErasureCoder, fastestMultiplier } from "./erasure-coder.ts";
import type { Multiplier } from "./multiplier.ts";
import { plainMultiplier } from "./plain-multiplier.ts";

function without(fragments: readonly Uint8Array[], lost: (fragment: number) => boolean): Fragments {
  return fragments.map((fragment, i) => (lost(i) ? undefined : fragment));
}

/** Everything that can be asked of the fragments that are left. */
function assertRecovers(
  coder: ErasureCoder,
  block: Uint8Array,
  all: readonly Uint8Array[],
  left: Fragments,
): void {
  assert.deepEqual(coder.reconstruct(left), { kind: "rebuilt", fragments: all });
  assert.deepEqual(coder.join(left, block.length), { kind: "joined", block });
}

const smallCodes = range(13).flatMap((n) =>
  range(n).map((m) => ({ dataFragments: n - m, parityFragments: m })),
);

test("every loss of up to m fragments is recovered, every larger one refused, for all codes up to 12 fragments", () => {
  const random = seededRandom(3);
  for (const code of smallCodes) {
    const { dataFragments: k, parityFragments: m } = code;
    const coder = createErasureCoder(code);
    const block = random.bytes(3 * k - (m % k));
    const all = coder.encode(block);
    for (let lost = 0; lost < 2 ** (k + m); lost++) {
      const left = without(all, (i) => ((lost >>> i) & 1) === 1);
      const presentCount = left.filter((fragment) => fragment !== undefined).length;
      if (presentCount >= k) assertRecoversFast(coder, block, all, left);
      else {
        const refusal = { kind: "too-few-fragments", presentCount, neededCount: k };
        assert.deepEqual(coder.reconstruct(left), refusal);
      }
    }
  }
});

/** deepEqual costs more than the decoding: compared by hand, and reported by it. */
function assertRecoversFast(
  coder: ErasureCoder,
  block: Uint8Array,
  all: readonly Uint8Array[],
  left: Fragments,
): void {
  const rebuilt = coder.reconstruct(left);
  const joined = coder.join(left, block.length);
  const isRight =
    rebuilt.kind === "rebuilt" &&
    joined.kind === "joined" &&
    sameBytes(joined.block, block) &&
    rebuilt.fragments.every((fragment, i) => sameBytes(fragment, all[i] ?? new Uint8Array()));
  if (!isRight) assertRecovers(coder, block, all, left);
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

const anyCode = fc.integer({ min: 1, max: 32 }).chain((dataFragments) =>
  fc.record({
    dataFragments: fc.constant(dataFragments),
    parityFragments: fc.integer({ min: 0, max: 32 - dataFragments }),
  }),
);

test("random losses of random codes up to 32 fragments are recovered, by every implementation", () => {
  const example = anyCode.chain((code) =>
    fc.record({
      code: fc.constant(code),
      kept: fc.shuffledSubarray([...range(code.dataFragments + code.parityFragments)], {
        minLength: code.dataFragments,
      }),
      bytes: fc.integer({ min: 0, max: 2000 }),
      seed: fc.nat(),
    }),
  );
  for (const multiplier of allMultipliers()) {
    fc.assert(
      fc.property(example, ({ code, kept, bytes, seed }) => {
        const coder = createErasureCoder(code, multiplier);
        const block = seededRandom(seed).bytes(bytes);
        const all = slowEncode(block, code.dataFragments, code.parityFragments);
        assert.deepEqual(coder.encode(block), all);
        assert.ok(coder.verify(all));
        assertRecovers(
          coder,
          block,
          all,
          without(all, (i) => !kept.includes(i)),
        );
      }),
      { numRuns: 40 },
    );
  }
});

test("encodeInto gives the parity of encode; rebuild gives what is wanted, in the order asked", () => {
  const coder = createErasureCoder({ dataFragments: 5, parityFragments: 3 });
  const block = seededRandom(4).bytes(70_003);
  const all = coder.encode(block);
  const parity = range(3).map(() => new Uint8Array(coder.fragmentBytes(block.length)).fill(9));
  coder.encodeInto(block, parity);
  assert.deepEqual(parity, all.slice(5));
  const left = without(all, (i) => i === 1 || i === 4 || i === 6);
  assert.deepEqual(coder.rebuild(left, [6, 2, 1]), { kind: "rebuilt", fragments: [all[6], all[2], all[1]] });
  const into = [parity[0], parity[1]].filter((buffer) => buffer !== undefined);
  const rebuilt = coder.rebuild(left, [4, 1], into);
  assert.ok(rebuilt.kind === "rebuilt");
  assert.deepEqual(into, [all[4], all[1]]);
  assert.equal(rebuilt.fragments[0], into[0]);
  assert.deepEqual(coder.rebuild(left, []), { kind: "rebuilt", fragments: [] });
});

test("given fragments are returned as they are and never written to", () => {
  const coder = createErasureCoder({ dataFragments: 3, parityFragments: 2 });
  const block = seededRandom(5).bytes(30);
  const all = coder.encode(block);
  const copies = all.map((fragment) => fragment.slice());
  const rebuilt = coder.reconstruct(without(all, (i) => i === 0));
  assert.ok(rebuilt.kind === "rebuilt");
  assert.equal(rebuilt.fragments[3], all[3]);
  assert.deepEqual(all, copies);
  assert.equal(all[0]?.buffer, block.buffer);
});

test("one data fragment is replication; without parity nothing is made and nothing may be lost", () => {
  const block = Uint8Array.of(1, 2, 3);
  assert.deepEqual(createErasureCoder({ dataFragments: 1, parityFragments: 2 }).encode(block), [
    block,
    block,
    block,
  ]);
  const bare = createErasureCoder({ dataFragments: 2, parityFragments: 0 });
  const all = bare.encode(block);
  assert.deepEqual(all, [Uint8Array.of(1, 2), Uint8Array.of(3, 0)]);
  assert.deepEqual(bare.join(all, 3), { kind: "joined", block });
  const left = without(all, (i) => i === 0);
  assert.deepEqual(bare.join(left, 3), { kind: "too-few-fragments", presentCount: 1, neededCount: 2 });
});

test("verify refuses a changed byte in any fragment, and fragments of different lengths", () => {
  const coder = createErasureCoder({ dataFragments: 4, parityFragments: 2 });
  const all = coder.encode(seededRandom(6).bytes(400));
  for (const [i, fragment] of all.entries()) {
    for (const at of [0, 50, 99]) {
      const changed = fragment.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      assert.equal(coder.verify(all.with(i, changed)), false);
    }
    assert.equal(coder.verify(all.with(i, fragment.subarray(1))), false);
  }
});

test("fragments of wrong lengths are refused with the number of the first that does not fit", () => {
  const coder = createErasureCoder({ dataFragments: 2, parityFragments: 1 });
  const left = [Uint8Array.of(1, 2), undefined, Uint8Array.of(1)];
  const refusal = { kind: "wrong-fragment-length", fragment: 2, bytes: 1, expectedBytes: 2 };
  assert.deepEqual(coder.reconstruct(left), refusal);
  assert.deepEqual(coder.join(left, 3), refusal);
  assert.deepEqual(coder.join(left, 2), { ...refusal, fragment: 0, bytes: 2, expectedBytes: 1 });
});

test("a wrong coefficient anywhere in the matrix is caught by verify and by the definition", () => {
  const code = { dataFragments: 4, parityFragments: 3 };
  const block = seededRandom(7).bytes(64);
  const right = createErasureCoder(code);
  for (const row of range(3)) {
    for (const column of range(4)) {
      const broken: Multiplier = {
        name: "one wrong coefficient",
        multiply: (matrix, inputs, outputs) => {
          const wrong = matrix.map((values) => values.slice());
          wrong[row]?.set([(wrong[row]?.[column] ?? 0) ^ 4], column);
          plainMultiplier.multiply(wrong, inputs, outputs);
        },
      };
      const fragments = createErasureCoder(code, broken).encode(block);
      assert.notDeepEqual(fragments, slowEncode(block, 4, 3));
      assert.equal(right.verify(fragments), false);
    }
  }
});

test("what a programmer gets wrong is an assertion", () => {
  const coder = createErasureCoder({ dataFragments: 2, parityFragments: 1 });
  const byte = new Uint8Array(1);
  assert.throws(() => createErasureCoder({ dataFragments: 1.5, parityFragments: 1 }), /whole/);
  assert.throws(() => createErasureCoder({ dataFragments: 30, parityFragments: 3 }), /32/);
  assert.throws(() => coder.reconstruct([byte, byte]), /a place for each/);
  assert.throws(() => coder.rebuild([byte, byte, byte], [3]), /numbered/);
  assert.throws(() => coder.rebuild([byte, byte, undefined], [2], []), /each wanted/);
  assert.throws(
    () => coder.rebuild([byte, byte, undefined], [2, 0], [byte, new Uint8Array(2)]),
    /one length/,
  );
  assert.throws(() => coder.encodeInto(byte, []), /each parity/);
  assert.throws(() => coder.encodeInto(byte, [new Uint8Array(2)]), /as long as/);
  assert.throws(() => coder.verify([byte, byte]), /all k \+ m/);
});

test("this runtime uses relaxed SIMD", () => {
  assert.match(fastestMultiplier().name, /relaxed/);
  assert.equal(fastestMultiplier(), fastestMultiplier());
});
