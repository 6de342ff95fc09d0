import { concatBytes, toHex } from "@holdfast/base";
import type { Hashing } from "@holdfast/ports";
import type { Body, Piece } from "./body.ts";
import { pieceBytes } from "./body.ts";

/** S3's ETag: the MD5 of a body stored in one go, the MD5 of its parts' MD5s and their number otherwise. */
export function etagOfPiece(hashing: Hashing, piece: Piece): string {
  return toHex(hashing.hash("md5", pieceBytes(piece)));
}

export function etagOfUpload(hashing: Hashing, body: Body): string {
  const digests = body.pieces.map((piece) => hashing.hash("md5", pieceBytes(piece)));
  return `${toHex(hashing.hash("md5", concatBytes(digests)))}-${digests.length}`;
}
