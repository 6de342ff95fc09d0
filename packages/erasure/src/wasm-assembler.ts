/**
 * As much of a WebAssembly assembler as the kernel needs: instructions as functions that nest like expressions and give
 * bytes, and the frame of a module around them. Opcodes: WebAssembly Core Specification 3.0, section 5.4; the module's
 * sections: 5.5.
 */

export type Code = readonly number[];

/** A local variable of a function; parameters come first. */
export interface Local {
  readonly get: Code;
  set(value: Code): Code;
  /** Sets it and gives the value on. */
  tee(value: Code): Code;
}

export type ValueType = "i32" | "v128";

export interface WasmFunction {
  readonly name: string;
  readonly parameters: readonly ValueType[];
  readonly locals: readonly ValueType[];
  readonly body: Code;
}

const valueTypes: Readonly<Record<ValueType, number>> = { i32: 0x7f, v128: 0x7b };

// Control: a loop starts again when a branch to its label (0: the innermost) is taken.

const noResult = 0x40;
const end = 0x0b;

/** Runs the body once, then again while the condition after it is not zero. */
export function doWhile(body: Code, condition: Code): Code {
  return [0x03, noResult, ...body, ...condition, 0x0d, 0, end];
}

export function local(index: number): Local {
  const at = unsigned(index);
  return {
    get: [0x20, ...at],
    set: (value) => [...value, 0x21, ...at],
    tee: (value) => [...value, 0x22, ...at],
  };
}

export const i32: {
  readonly constant: (value: number) => Code;
  readonly add: (a: Code, b: Code) => Code;
  readonly multiply: (a: Code, b: Code) => Code;
  readonly notEqual: (a: Code, b: Code) => Code;
} = {
  constant: (value) => [0x41, ...signed(value)],
  add: (a, b) => [...a, ...b, 0x6a],
  multiply: (a, b) => [...a, ...b, 0x6c],
  notEqual: (a, b) => [...a, ...b, 0x47],
};

export const v128: {
  readonly load: (address: Code, offset: number) => Code;
  readonly store: (address: Code, offset: number, value: Code) => Code;
  readonly splat8: (value: number) => Code;
  readonly zero: Code;
  readonly and: (a: Code, b: Code) => Code;
  readonly xor: (a: Code, b: Code) => Code;
  /** Each 16-bit lane shifted right, zeros coming in. */
  readonly shiftRight16: (value: Code, bits: Code) => Code;
  /** Byte `indexes[lane]` of the table in each lane, zero where the index is 16 or more. */
  readonly swizzle: (table: Code, indexes: Code) => Code;
  /** The same for indexes below 16; what larger ones give depends on the machine. Saves an instruction on x86. */
  readonly relaxedSwizzle: (table: Code, indexes: Code) => Code;
} = {
  load: (address, offset) => [...address, ...vector(0), ...alignment16, ...unsigned(offset)],
  store: (address, offset, value) => [
    ...address,
    ...value,
    ...vector(11),
    ...alignment16,
    ...unsigned(offset),
  ],
  splat8: (value) => [...vector(12), ...Array.from({ length: 16 }, () => value)],
  zero: [...vector(12), ...Array.from({ length: 16 }, () => 0)],
  and: (a, b) => [...a, ...b, ...vector(78)],
  xor: (a, b) => [...a, ...b, ...vector(81)],
  shiftRight16: (value, bits) => [...value, ...bits, ...vector(141)],
  swizzle: (table, indexes) => [...table, ...indexes, ...vector(14)],
  relaxedSwizzle: (table, indexes) => [...table, ...indexes, ...vector(256)],
};

/** The alignment that a load promises, as a power of two: a hint, never an error. */
const alignment16 = [4];

function vector(opcode: number): Code {
  return [0xfd, ...unsigned(opcode)];
}

/** A module with one memory of a fixed size, exported as `memory`, and functions without results. */
export function assembleModule(
  memoryPages: number,
  functions: readonly WasmFunction[],
): Uint8Array<ArrayBuffer> {
  const types = functions.map((f) => [0x60, ...list(f.parameters.map((type) => [valueTypes[type]])), 0]);
  const exports = functions.map((f, i) => [...name(f.name), 0x00, ...unsigned(i)]);
  return Uint8Array.from([
    ...magicAndVersion,
    ...section(1, list(types)),
    ...section(3, list(functions.map((_, i) => unsigned(i)))),
    ...section(5, list([[0x01, ...unsigned(memoryPages), ...unsigned(memoryPages)]])),
    ...section(7, list([[...name("memory"), 0x02, 0], ...exports])),
    ...section(10, list(functions.map(functionCode))),
  ]);
}

/** "\0asm", version 1. */
const magicAndVersion = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];

function functionCode(f: WasmFunction): Code {
  const code = [...list(f.locals.map((type) => [1, valueTypes[type]])), ...f.body, end];
  return [...unsigned(code.length), ...code];
}

function section(id: number, content: Code): Code {
  return [id, ...unsigned(content.length), ...content];
}

function list(items: readonly Code[]): Code {
  return [...unsigned(items.length), ...items.flat()];
}

function name(text: string): Code {
  return list(Array.from(text, (character) => [character.charCodeAt(0)]));
}

/** LEB128. */
function unsigned(value: number): Code {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

function signed(value: number): Code {
  return value >= -0x40 && value < 0x40 ? [value & 0x7f] : [(value & 0x7f) | 0x80, ...signed(value >> 7)];
}
