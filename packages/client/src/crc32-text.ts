/** Eight hexadecimal digits, as headers and documents have it. */
export function crc32Text(crc32: number): string {
  return crc32.toString(16).padStart(8, "0");
}
