import type { I2cDevice, I2cPlan } from "../../src/device/define.ts";
import { codecOf, type Encoding } from "../../src/device/encoding.ts";

/** A part whose table has one mistake in it. */
export interface Mutant {
  title: string;
  device: I2cDevice;
}

/** A mistake made in a plan. */
type Slip = (plan: Mutable) => void;

/** A plan that may be written to; functions in it are shared with the original. */
type Mutable = { -readonly [K in keyof I2cPlan]: any };

/** Copies what is data and shares what is code. */
function copyOf<T>(value: T): T {
  if (Array.isArray(value)) return value.map(copyOf) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, copyOf(v)])) as T;
}

function slipped(device: I2cDevice, title: string, slip: Slip): Mutant {
  return {
    title,
    device: {
      ...device,
      plan(options) {
        const plan = copyOf(device.plan(options)) as Mutable;
        slip(plan);
        return plan;
      },
    },
  };
}

/** Encodings one slip of the pen away: the other byte order, the other sign, a bit more or less, another justification. */
function slipsOf(encoding: Encoding): Encoding[] {
  const match = /^([ui])(\d+)(le|be)?(?:<<(\d+))?$/.exec(encoding);
  if (match === null) return ["u8"];
  const [, sign, bits, order = "", shift] = match;
  const tail = shift === undefined ? "" : `<<${shift}`;
  const other = order === "le" ? "be" : order === "be" ? "le" : "";
  const names = [
    `${sign}${bits}${other}${tail}`,
    `${sign === "u" ? "i" : "u"}${bits}${order}${tail}`,
    `${sign}${Number(bits) - 1}${order}${tail}`,
    shift === undefined ? `${sign}${Number(bits) - 4}${order}<<4` : `${sign}${bits}${order}`,
  ] as Encoding[];
  const same = shift === "0" ? encoding.slice(0, -"<<0".length) : encoding;
  return names.filter((name) => {
    try {
      return name !== encoding && name !== same && codecOf(name).bytes > 0;
    } catch {
      return false;
    }
  });
}

const bitsOf = (width: number) => Array.from({ length: 8 * width }, (_, i) => 2 ** i);

/** Every single slip in the entries of a part's table that a data sheet is read for. */
export function mutantsOf(device: I2cDevice, options: unknown): Mutant[] {
  const plan = device.plan(options);
  const out: Mutant[] = [];
  const add = (title: string, slip: Slip) => out.push(slipped(device, title, slip));
  const used = new Set([
    ...plan.setup.map((w) => w.reg),
    ...plan.identity.map((i) => i.reg),
    ...[...JSON.stringify(plan.read).matchAll(/"(?:reg|data|ack)":"([^"]+)"/g)].map((m) => m[1]!),
    ...(plan.calibration?.frames ?? []).map((f) => f.reg!),
  ]);

  for (const name of used)
    for (const step of [1, -1])
      add(`register ${name} at ${plan.registers[name]!.at + step}`, (p) => {
        p.registers[name].at = (p.registers[name].at + step) & 0xff;
      });

  for (const [i, id] of plan.identity.entries()) {
    const { reg, mask } = id;
    if (!("equals" in id)) {
      add(`identity ${reg} least - 1`, (p) => {
        p.identity[i].least -= 1;
      });
      continue;
    }
    const { equals } = id;
    const width = plan.registers[reg]!.bytes;
    for (const bit of bitsOf(width)) {
      if (((mask ?? 2 ** (8 * width) - 1) & bit) !== 0) {
        add(`identity ${reg} equals ^ ${bit}`, (p) => {
          p.identity[i].equals = (equals ^ bit) >>> 0;
        });
        add(`identity ${reg} mask without ${bit}`, (p) => {
          p.identity[i].mask = ((mask ?? 2 ** (8 * width) - 1) & ~bit) >>> 0;
          p.identity[i].equals = (equals & ~bit) >>> 0;
        });
      }
    }
    add(`identity ${reg} not asked`, (p) => p.identity.splice(i, 1).length > 0);
  }

  for (const [i, { reg, mask, value }] of plan.setup.entries()) {
    for (const bit of bitsOf(plan.registers[reg]!.bytes)) {
      if ((mask & bit) === 0) {
        add(`setup ${i} ${reg} mask with ${bit}`, (p) => {
          if (p.setup[i]?.reg === reg) p.setup[i].mask |= bit;
        });
      } else {
        add(`setup ${i} ${reg} value ^ ${bit}`, (p) => {
          if (p.setup[i]?.reg === reg) p.setup[i].value = (value ^ bit) >>> 0;
        });
        add(`setup ${i} ${reg} mask without ${bit}`, (p) => {
          if (p.setup[i]?.reg === reg) p.setup[i].mask = (mask & ~bit) >>> 0;
        });
      }
    }
    add(`setup ${i} ${reg} left out`, (p) => p.setup[i]?.reg === reg && p.setup.splice(i, 1).length > 0);
  }
  if (plan.awake !== undefined) {
    const { mask, value } = plan.awake;
    for (const bit of bitsOf(1)) {
      add(`awake mask ^ ${bit}`, (p) => {
        p.awake.mask = mask ^ bit;
      });
      add(`awake value ^ ${bit}`, (p) => {
        p.awake.value = value ^ bit;
      });
    }
  }

  for (const [key, channel] of Object.entries(plan.channels)) {
    const change = (title: string, slip: (c: any) => void) =>
      add(`${key} ${title}`, (p) => {
        const mine = p.channels[key];
        if (mine !== undefined) slip(mine);
      });
    if (!("scale" in channel)) continue;
    for (const factor of [1.023, 0.5, -1]) change(`scale × ${factor}`, (c) => (c.scale *= factor));
    change("offset + 3 counts", (c) => (c.offset = (c.offset ?? 0) + 3 * c.scale));
    for (const step of [1, -1, 2])
      if (channel.byte + step >= 0) change(`byte ${channel.byte + step}`, (c) => (c.byte += step));
    for (const encoding of slipsOf(channel.encoding)) change(`encoding ${encoding}`, (c) => (c.encoding = encoding));
    const frames = [...new Set(Object.values(plan.channels).flatMap((c) => c.frame ?? []))];
    const other = frames[(frames.indexOf(channel.frame ?? "") + 1) % frames.length];
    if (other !== undefined && other !== channel.frame) change(`frame ${other}`, (c) => (c.frame = other));
    if (channel.clip !== undefined) change("clip left out", (c) => delete c.clip);
    if (typeof channel.clip === "number") for (const step of [1, -1]) change(`clip + ${step}`, (c) => (c.clip += step));
    if (channel.plausible !== undefined) change("plausible left out", (c) => delete c.plausible);
    for (const [i] of (channel.bands ?? []).entries()) change(`band ${i} left out`, (c) => c.bands.splice(i, 1));
    if (channel.ratio !== undefined) change("ratio left out", (c) => delete c.ratio);
    if (channel.tag !== undefined) change("tag + 1", (c) => (c.tag += 1));
  }
  for (const [i, flag] of plan.flags.entries()) {
    add(`flag ${i} left out`, (p) => p.flags.splice(i, 1).length > 0);
    add(`flag ${i} mask << 1`, (p) => {
      p.flags[i].mask = (flag.mask << 1) & 0xff;
    });
    add(`flag ${i} byte`, (p) => {
      p.flags[i].byte = flag.byte === 0 ? 1 : 0;
    });
    add(`flag ${i} equals ^ mask`, (p) => {
      p.flags[i].equals = flag.equals ^ flag.mask;
    });
  }
  return out;
}
