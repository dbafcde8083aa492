/** The JSON value of a text, or undefined when it is none: for texts from outside, which a schema looks at next. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
