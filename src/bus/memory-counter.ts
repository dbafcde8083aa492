import { SwathError } from "../model/errors.ts";
import { COUNT_MODULUS, type MemoryCounter } from "./counter.ts";

/** A pulse counter made of memory, for tests and the simulated machine; off until it is enabled, as the kernel's is. */
export function createMemoryCounter({ name }: { readonly name: string }): MemoryCounter {
  const is = { gone: false, enabled: false, count: 0, direction: "increase" };
  function there(): void {
    if (is.gone) throw new SwathError("bus/absent", `${name}: the counter is not there`);
  }
  return {
    name,
    direction() {
      there();
      return is.direction;
    },
    isEnabled() {
      there();
      return is.enabled;
    },
    enable() {
      there();
      is.enabled = true;
    },
    read() {
      there();
      return is.count;
    },
    close: () => undefined,
    pulse(n) {
      if (is.enabled && !is.gone) is.count = (is.count + n) % COUNT_MODULUS;
    },
    set: (change) => void Object.assign(is, change),
  };
}
