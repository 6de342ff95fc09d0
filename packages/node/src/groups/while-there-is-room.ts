/** Breaks off before the disk is so full that the state store could not commit any more (S12). Throws NoRoomError. */
export async function* whileThereIsRoom(
  body: AsyncIterable<Uint8Array>,
  hasRoom: (bytes: number) => Promise<boolean>,
): AsyncIterable<Uint8Array> {
  for await (const chunk of body) {
    if (!(await hasRoom(chunk.length))) throw new NoRoomError();
    yield chunk;
  }
}

/** A state was not taken for lack of room; it comes again. */
export class NoRoomError extends Error {
  override readonly name: string = "NoRoomError";

  constructor() {
    super("the disk has no room for a snapshot");
  }
}
