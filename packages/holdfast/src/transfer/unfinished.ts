/** Files that a download left unfinished: never content of anybody's, so neither copied nor removed. */
export function isUnfinished(name: string): boolean {
  return /^\.(?:.+\.holdfast-partial(?:\.json|\.lock)?|holdfast-[0-9a-f]{12}\.part)$/s.test(name);
}
