/** A stream for the log that keeps the newest lines, for a report of what went wrong. */
export function createRecentLines(most: number): { write(line: string): void; lines(): string[] } {
  const kept: string[] = [];
  return {
    write(line) {
      kept.push(line.trimEnd().slice(0, LONGEST));
      if (kept.length > most) kept.shift();
    },
    lines: () => [...kept],
  };
}

const LONGEST = 400;
