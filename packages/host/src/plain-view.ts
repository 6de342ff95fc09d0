/** The same memory as a plain Uint8Array: `slice` of a Buffer is a view, and who keeps bytes would be surprised. */
export function plainView(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
