/**
 * Edits (insert, delete, replace, swap of neighbours) that turn `a` into `b`: the Damerau–Levenshtein distance in its
 * restricted form. Stops counting above `most`.
 */
export function editDistance(a: string, b: string, most: number): number {
  if (Math.abs(a.length - b.length) > most) return most + 1;
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    let least = i;
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let d = Math.min(previous[j]! + 1, current[j - 1]! + 1, previous[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) d = Math.min(d, before[j - 2]! + 1);
      current.push(d);
      if (d < least) least = d;
    }
    if (least > most) return most + 1;
    before = previous;
    previous = current;
  }
  return Math.min(previous[b.length]!, most + 1);
}

const bare = (name: string) => name.toLowerCase().replace(/[-_\s.]/g, "");

/** Longest name that is compared: what is longer was no slip of the pen. */
const LONGEST = 64;

/**
 * The one of `names` a person who wrote `wrong` most likely meant, or undefined when none is close: the same but for case
 * and separators, else within a third of its length in edits, else the one name that begins with it.
 */
export function nearestName(wrong: string, names: readonly string[]): string | undefined {
  if (wrong.length > LONGEST) return undefined;
  const plain = bare(wrong);
  if (plain === "") return undefined;
  const same = names.find((n) => bare(n) === plain);
  if (same !== undefined) return same;
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(plain.length / 3)) + 1;
  for (const name of names) {
    const d = editDistance(plain, bare(name), bestDistance - 1);
    if (d < bestDistance) {
      best = name;
      bestDistance = d;
    }
  }
  if (best !== undefined) return best;
  const longer = names.filter((n) => plain.length >= 3 && bare(n).startsWith(plain));
  return longer.length === 1 ? longer[0] : undefined;
}

/** Names a message lists before it stops. */
const MOST_NAMES = 20;

/** `did you mean "x"?` when one is close, else the list of right names. */
export function suggest(wrong: string, names: readonly string[], what: string): string {
  const near = nearestName(wrong, names);
  if (near !== undefined) return `did you mean "${near}"?`;
  if (names.length === 0) return "there are none";
  const shown = names.slice(0, MOST_NAMES).join(", ");
  return `${what}: ${shown}${names.length > MOST_NAMES ? ", …" : ""}`;
}
