/**
 * The WebAssembly module that multiplies a matrix with columns of bytes, 16 bytes an instruction.
 *
 * A product with a constant c is linear, so it is the sum of c times the low and c times the high half of a byte: two
 * tables of 16 products, looked up by a swizzle (Plank, Greenan and Miller, "Screaming Fast Galois Field Arithmetic Using
 * Intel SIMD Instructions", FAST 2013).
 *
 * One function for each shape: how many outputs are a plain XOR of all inputs (0 or 1), how many are multiplied (together
 * at most 4: their sums stay in the 16 vector registers of x86-64), and whether the first input counts once in each
 * output (the first column is ones). Each input is read once for all outputs of the shape.
 */

import type { Code, Local, ValueType, WasmFunction } from "./wasm-assembler.ts";
import { assembleModule, doWhile, i32, local, v128 } from "./wasm-assembler.ts";

export interface KernelShape {
  readonly xorOutputs: 0 | 1;
  readonly productOutputs: number;
  readonly isFirstColumnOnes: boolean;
}

/** All arguments are bytes or addresses, but `inputCount`. */
export type KernelFunction = (
  /** For each input (but the first, if its column is ones), for each product output: 16 low, then 16 high products. */
  tables: number,
  /** Input j lies at `inputs + j * stride`, output i at `outputs + i * stride`, the XOR first. */
  inputs: number,
  inputCount: number,
  outputs: number,
  stride: number,
  /** A multiple of `columnBytesMax`, more than zero. */
  bytes: number,
) => void;

export const outputsMax = 4;
/** The low and the high half's products with one coefficient. */
export const tableBytes = 32;
export const columnBytesMax = 64;

export const kernelShapes: readonly KernelShape[] = [false, true].flatMap((isFirstColumnOnes) =>
  ([0, 1] as const).flatMap((xorOutputs) =>
    Array.from({ length: outputsMax - xorOutputs + 1 }, (_, productOutputs) => ({
      xorOutputs,
      productOutputs,
      isFirstColumnOnes,
    })).filter((shape) => shape.productOutputs > 0 || (xorOutputs === 1 && !isFirstColumnOnes)),
  ),
);

export function shapeName(shape: KernelShape): string {
  return `xor${shape.xorOutputs}product${shape.productOutputs}${shape.isFirstColumnOnes ? "ones" : ""}`;
}

/** Relaxed swizzles need a newer runtime. All indexes here are below 16, where both kinds agree on every machine. */
export function kernelModule(memoryPages: number, swizzle: "relaxed" | "strict"): Uint8Array<ArrayBuffer> {
  const lookUp = swizzle === "relaxed" ? v128.relaxedSwizzle : v128.swizzle;
  return assembleModule(
    memoryPages,
    kernelShapes.map((shape) => kernelFunction(shape, lookUp)),
  );
}

type LookUp = (table: Code, indexes: Code) => Code;

const parameters: readonly ValueType[] = ["i32", "i32", "i32", "i32", "i32", "i32"];

function kernelFunction(shape: KernelShape, lookUp: LookUp): WasmFunction {
  const locals: ValueType[] = [];
  const declare = (type: ValueType): Local => {
    locals.push(type);
    return local(parameters.length + locals.length - 1);
  };
  const body = kernelBody(shape, lookUp, declare);
  return { name: shapeName(shape), parameters, locals, body };
}

/**
 * for each column of `vectors` times 16 bytes:
 *   sums = the first input, or zero
 *   for each (other) input: sums += its products
 *   store the sums
 */
function kernelBody(shape: KernelShape, lookUp: LookUp, declare: (type: ValueType) => Local): Code {
  const [tables, inputs, inputCount] = [local(0), local(1), local(2)];
  const [outputs, stride, bytes] = [local(3), local(4), local(5)];
  const outputCount = shape.xorOutputs + shape.productOutputs;
  // Fewer outputs leave registers for more vectors at a time, which use a table more often once it is loaded.
  const vectors = outputCount <= 2 ? 4 : 2;
  const span = declare("i32");
  const end = declare("i32");
  const [input, inputEnd, table, output] = [declare("i32"), declare("i32"), declare("i32"), declare("i32")];
  const mask = declare("v128");
  const sums = Array.from({ length: outputCount }, () =>
    Array.from({ length: vectors }, () => declare("v128")),
  );
  const add = (to: Local, amount: Code): Code => to.set(i32.add(to.get, amount));
  const start = shape.isFirstColumnOnes
    ? [...loadFirst(sums, inputs), ...input.set(i32.add(inputs.get, stride.get))]
    : [...sums.flat().flatMap((sum) => sum.set(v128.zero)), ...input.set(inputs.get)];
  const column = [
    ...start,
    ...inputEnd.set(i32.add(inputs.get, span.get)),
    ...table.set(tables.get),
    ...doWhile(
      [
        ...addInput({ shape, lookUp, declare, sums, input, table, mask }),
        ...add(table, i32.constant(tableBytes * shape.productOutputs)),
      ],
      i32.notEqual(input.tee(i32.add(input.get, stride.get)), inputEnd.get),
    ),
    ...output.set(outputs.get),
    ...sums.flatMap((row) => [
      ...row.flatMap((sum, v) => v128.store(output.get, 16 * v, sum.get)),
      ...add(output, stride.get),
    ]),
    ...add(outputs, i32.constant(16 * vectors)),
  ];
  return [
    ...span.set(i32.multiply(inputCount.get, stride.get)),
    ...end.set(i32.add(inputs.get, bytes.get)),
    ...mask.set(v128.splat8(0x0f)),
    ...doWhile(column, i32.notEqual(inputs.tee(i32.add(inputs.get, i32.constant(16 * vectors))), end.get)),
  ];
}

function loadFirst(sums: readonly (readonly Local[])[], input: Local): Code {
  const [first, ...others] = sums;
  return (first ?? []).flatMap((sum, v) => [
    ...sum.set(v128.load(input.get, 16 * v)),
    ...others.flatMap((row) => row[v]?.set(sum.get) ?? []),
  ]);
}

interface InputStep {
  readonly shape: KernelShape;
  readonly lookUp: LookUp;
  readonly declare: (type: ValueType) => Local;
  /** By output, then by vector. The XOR first. */
  readonly sums: readonly (readonly Local[])[];
  readonly input: Local;
  readonly table: Local;
  /** The low half of each byte. */
  readonly mask: Local;
}

/** Adds one input's products to the sums. */
function addInput(step: InputStep): Code {
  const { shape, lookUp, declare, sums, input, table, mask } = step;
  const [x, low, high] = [declare("v128"), declare("v128"), declare("v128")];
  const xorSums = sums.slice(0, shape.xorOutputs);
  const productSums = sums.slice(shape.xorOutputs);
  const halves = productSums.map(() => [declare("v128"), declare("v128")] as const);
  const add = (sum: Local | undefined, value: Code): Code => sum?.set(v128.xor(sum.get, value)) ?? [];
  const loadTables = halves.flatMap(([lows, highs], i) => [
    ...lows.set(v128.load(table.get, tableBytes * i)),
    ...highs.set(v128.load(table.get, tableBytes * i + 16)),
  ]);
  const addVector = (v: number): Code => [
    ...x.set(v128.load(input.get, 16 * v)),
    ...xorSums.flatMap((row) => add(row[v], x.get)),
    ...(productSums.length === 0
      ? []
      : [
          ...low.set(v128.and(x.get, mask.get)),
          ...high.set(v128.and(v128.shiftRight16(x.get, i32.constant(4)), mask.get)),
        ]),
    ...productSums.flatMap((row, i) => [
      ...add(row[v], lookUp(halves[i]?.[0].get ?? [], low.get)),
      ...add(row[v], lookUp(halves[i]?.[1].get ?? [], high.get)),
    ]),
  ];
  return [...loadTables, ...(sums[0] ?? []).flatMap((_, v) => addVector(v))];
}
