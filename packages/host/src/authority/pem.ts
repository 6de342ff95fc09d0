/** Texts of several PEM sections, such as a key and its certificate in one file. */

const sectionPattern = /-----BEGIN ([A-Z0-9 ]+)-----\r?\n[A-Za-z0-9+/=\r\n]+-----END \1-----/g;

/** All sections with this label, in order. */
export function pemSections(text: string, label: string): readonly string[] {
  return Array.from(text.matchAll(sectionPattern))
    .filter((match) => match[1] === label)
    .map((match) => `${match[0]}\n`);
}

export function pemBytes(section: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(section.replace(/-----[A-Z0-9 ]+-----/g, ""), "base64"));
}
