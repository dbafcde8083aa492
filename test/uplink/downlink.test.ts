import { describe, expect, it } from "vitest";
import type { UplinkOptions } from "../../src/uplink/contract.ts";
import { fakePipes } from "./fake-pipe.ts";
import { openSession } from "./session.ts";

function open(options: Partial<UplinkOptions> = {}) {
  const fake = fakePipes();
  const heard: string[] = [];
  let granted = 0;
  const session = openSession(
    1883,
    {
      clock: { monoMs: () => performance.now() },
      downlink: {
        heard: (what, payload, retained) => heard.push(`${what} ${Buffer.from(payload).toString()} ${retained}`),
        listening: () => {
          granted += 1;
        },
      },
      ...options,
    },
    fake.open,
  );
  session.uplink.start();
  return { ...session, fake, heard, granted: () => granted };
}

const ANSWER = Buffer.from('{"id":"c1"}');

describe("what comes down", () => {
  it("is asked for at every connection: its own ack and cmd, and HQ's state", () => {
    const { fake, heard, granted } = open();
    fake.last.up();
    expect(fake.last.topics).toEqual(["swath/1/cmac/dz-014/ack", "swath/1/cmac/dz-014/cmd", "swath/1/cmac/hq/state"]);
    fake.last.granted();
    expect(granted()).toBe(1);
    fake.last.say("swath/1/cmac/dz-014/ack", "a", true);
    fake.last.say("swath/1/cmac/dz-014/cmd", "c");
    fake.last.say("swath/1/cmac/hq/state", "s", true);
    fake.last.say("swath/1/cmac/dz-015/cmd", "another's");
    expect(heard).toEqual(["ack a true", "cmd c false", "hq s true"]);
  });

  it("is not asked for by a unit that knows no key of HQ", () => {
    const fake = fakePipes();
    const { uplink } = openSession(1883, { clock: { monoMs: () => 0 } }, fake.open);
    uplink.start();
    fake.last.up();
    expect(fake.last.topics).toEqual([]);
  });

  it("is missed with a reason when the broker does not grant it, and sending goes on", () => {
    const { fake, uplink, granted } = open();
    fake.last.up();
    fake.last.granted([1, 0x87, 1]);
    expect(uplink.status().lastError?.message).toContain("does not let this unit listen to swath/1/cmac/dz-014/cmd");
    expect([uplink.status().connected, granted()]).toEqual([true, 1]);
  });
});

describe("an answer to a command", () => {
  it("is sent again over the next connection until the broker has it, and then no more", () => {
    const { fake, uplink } = open({ random: () => 0 });
    uplink.answer(ANSWER);
    fake.last.up();
    const sent = () => fake.last.sent.filter((p) => p.cls === "rsp");
    expect(sent()).toMatchObject([{ body: '{"id":"c1"}', qos: 1, retain: false }]);
    fake.last.close();
    uplink.kick();
    expect(fake.pipes.length).toBe(1);
    return new Promise<void>((resolve) => {
      const look = setInterval(() => {
        if (fake.pipes.length < 2) return;
        clearInterval(look);
        fake.last.up();
        expect(sent().length).toBe(1);
        fake.last.ack();
        fake.last.close();
        resolve();
      }, 10);
    });
  });
});
