/** What a bench found: figures by name, with the unit in the name. The bench prints its own table. */
export interface Result {
  readonly name: string;
  readonly figures: Readonly<Record<string, number>>;
}
