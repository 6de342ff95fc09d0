/** The files of a large population: numbered in the order they are stored, named so that this is not the order of names. */

export const keysPerPage = 1000;

/** A prime beyond every population's size, so that the products below go through all positions. */
const stride = 6_119_537;

/** The name of file `number`: its position among all names is a jump of `stride` from the one before. */
export function fileName(number: number, population: number): string {
  return nameAt((number * stride) % population);
}

/** What each page of the first `count` files begins behind, in the order of the pages: "" for the first. */
export function pageStarts(count: number, population: number): readonly string[] {
  const positions = Array.from({ length: count }, (_, number) => (number * stride) % population);
  const sorted = Float64Array.from(positions).sort();
  const starts: string[] = [""];
  for (let last = keysPerPage - 1; last < count - 1; last += keysPerPage)
    starts.push(nameAt(sorted[last] ?? 0));
  return starts;
}

function nameAt(position: number): string {
  const folder = String(Math.floor(position / 1000)).padStart(4, "0");
  return `archive/${folder}/file-${String(position).padStart(7, "0")}.txt`;
}
