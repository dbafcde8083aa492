/** `adc.a0`; for a channel made of others, what it is made of. */
export function sourceWords({ part, key }: { readonly part: string; readonly key: string }): string {
  return part === "" ? key : `${part}.${key}`;
}
