/** What a long run did and what came of it, one line each, with the seconds since its beginning. */
export interface Protocol {
  add(what: string): void;
  text(): string;
}

/** Begins one; `nowMs` counts from anywhere. */
export function protocol(title: string, nowMs: () => number = () => performance.now()): Protocol {
  const startMs = nowMs();
  const lines: string[] = [];
  return {
    add(what) {
      lines.push(`${((nowMs() - startMs) / 1000).toFixed(1).padStart(7)} s  ${what}`);
    },
    text: () => `${[title, "", ...lines].join("\n")}\n`,
  };
}
