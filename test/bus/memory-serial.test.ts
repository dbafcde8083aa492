import { manualClock } from "../../src/bus/clock.ts";
import { createMemorySerial } from "../../src/bus/memory-serial.ts";
import { serialPort } from "./serial-port.ts";

serialPort("memory", async () => {
  const link = createMemorySerial({ name: "gnss", clock: manualClock() });
  return {
    link,
    feed: link.feed,
    received: link.written,
    pull: async () => link.pull(),
    plug: async () => link.plug(),
    stop: async () => {},
  };
});
