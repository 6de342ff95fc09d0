/** Reads answers off one connection: status and Content-Length, body bytes counted and dropped. */
export class ResponseReader {
  bodyBytes = 0;
  failures = 0;
  #head: Buffer = Buffer.alloc(0);
  /** Body bytes of the answer under way that have not come; undefined while its head is incomplete. */
  #missing: number | undefined;

  /** Calls `onAnswer` once for each answer that is complete. The chunk is the caller's again afterwards. */
  add(chunk: Buffer, onAnswer: () => void): void {
    let rest = chunk;
    if (this.#missing === undefined) {
      const joined = this.#head.length === 0 ? rest : Buffer.concat([this.#head, rest]);
      const end = joined.indexOf("\r\n\r\n");
      if (end < 0) {
        this.#head = Buffer.from(joined);
        return;
      }
      this.#readHead(joined.subarray(0, end).toString("latin1"));
      this.#head = Buffer.alloc(0);
      rest = joined.subarray(end + 4);
    }
    this.bodyBytes += rest.length;
    this.#missing = (this.#missing ?? 0) - rest.length;
    if (this.#missing > 0) return;
    if (this.#missing < 0) throw new Error("more bytes than the answer declared");
    this.#missing = undefined;
    onAnswer();
  }

  #readHead(head: string): void {
    if (!head.startsWith("HTTP/1.1 200")) this.failures++;
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    if (length === undefined) throw new Error(`an answer without Content-Length: ${head}`);
    this.#missing = Number(length);
  }
}
