/**
 * Which blocks were read lately. The first reading of a block goes past the system's cache, a second soon after it through it:
 * so what is read again and again is cached, and who reads a whole store once drives nothing out.
 */

import { pageBytes } from "@holdfast/ports";
import type { NeedlePlace } from "./needle.ts";

/** In each of two generations: 8 to 16 GiB of blocks. */
const placesMax = 8192;
/** More pages than a volume has. */
const pagesPerVolumeMax = 2 ** 24;

export class ReadHistory {
  #young = new Set<number>();
  #old = new Set<number>();

  /** Notes the reading; whether none was noted before, as far back as this goes. */
  isFirst({ volume, offset }: NeedlePlace): boolean {
    const place = volume * pagesPerVolumeMax + Math.floor(offset / pageBytes);
    if (this.#young.has(place)) return false;
    if (this.#young.size >= placesMax) {
      this.#old = this.#young;
      this.#young = new Set();
    }
    this.#young.add(place);
    return !this.#old.has(place);
  }
}
