/**
 * Stands in for the supervisor where systemd runs the sampler: counts how often another one came, and asks nobody to end,
 * because the sampler sees by itself that its configuration was replaced.
 */
export function createVisitor(ended: (why: string) => void) {
  let session = "";
  let restarts = 0;
  return {
    start: (): void => undefined,
    alive: (): void => undefined,
    stop: async (_graceMs: number): Promise<void> => undefined,
    /** A sampler said who it is. */
    hello(next: string): void {
      if (session !== "" && next !== session) restarts++;
      session = next;
    },
    gone: (): void => ended("its connection closed"),
    get restarts() {
      return restarts;
    },
  };
}
