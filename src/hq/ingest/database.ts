/** One row of an answer, by column. */
export type Row = Readonly<Record<string, unknown>>;

/** Runs one statement; `$1` … stand for the values. Rejects with what the database says. */
export type Query = (text: string, values?: readonly unknown[]) => Promise<readonly Row[]>;

/** HQ's database behind one small port: PostgreSQL itself, or the same compiled into this process. */
export interface Database {
  /** True when a commit is on disk once it is answered: only then may a watermark be published. */
  readonly durable: boolean;
  /** One statement of its own. */
  readonly query: Query;
  /** Runs `work` in one transaction: committed when it resolves, rolled back when it rejects. */
  transaction<T>(work: (query: Query) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/**
 * Whether the database refused what it was given (SQLSTATE classes 21, 22, 23, 54), so that trying again is of no use; all
 * else is a matter of the connection or of the server.
 */
export function isRefusal(e: unknown): boolean {
  if (typeof e !== "object" || e === null || !("code" in e) || typeof e.code !== "string") return false;
  return /^(21|22|23|54)[0-9A-Z]{3}$/.test(e.code);
}
