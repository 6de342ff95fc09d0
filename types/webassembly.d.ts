// The part of WebAssembly that is synchronous. Node has it, the types of Node do not.

declare namespace WebAssembly {
  class Module {
    constructor(bytes: ArrayBuffer | Uint8Array<ArrayBuffer>);
  }
  class Instance {
    constructor(module: Module, imports?: Imports);
    readonly exports: Exports;
  }
  class Memory {
    constructor(descriptor: { initial: number; maximum?: number; shared?: boolean });
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  }
  type ExportValue = Memory | ((...args: number[]) => number);
  type Exports = Record<string, ExportValue>;
  type Imports = Record<string, Record<string, Memory | number | ((...args: number[]) => number | void)>>;
  function validate(bytes: ArrayBuffer | Uint8Array<ArrayBuffer>): boolean;
}
