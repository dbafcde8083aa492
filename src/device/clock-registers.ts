/** Two decimal digits; NaN where a digit is none. */
function digits(byte: number): number {
  return (byte & 0x0f) > 9 || byte > 0x9f ? Number.NaN : (byte >> 4) * 10 + (byte & 0x0f);
}

const bcd = (n: number) => (Math.floor(n / 10) << 4) | (n % 10);

function hourOf(byte: number): number {
  if ((byte & 0x40) === 0) return digits(byte & 0x3f);
  const twelve = digits(byte & 0x1f);
  return (twelve === 12 ? 0 : twelve) + ((byte & 0x20) !== 0 ? 12 : 0);
}

/**
 * Seconds since 1970 from the seven registers that Maxim's clocks have in common, seconds first, BCD; NaN where they do not
 * make a date. Bit 7 of the month is the century where the part has one.
 */
export function decodeClock(frame: Uint8Array, _calibration: Uint8Array, values: Float64Array): void {
  const [second, minute, hour] = [digits(frame[0]! & 0x7f), digits(frame[1]! & 0x7f), hourOf(frame[2]!)];
  const [day, month] = [digits(frame[4]! & 0x3f), digits(frame[5]! & 0x1f)];
  const year = 2000 + digits(frame[6]!) + ((frame[5]! & 0x80) !== 0 ? 100 : 0);
  const good = second < 60 && minute < 60 && hour < 24 && day >= 1 && day <= 31 && month >= 1 && month <= 12;
  values[0] = good ? Date.UTC(year, month - 1, day, hour, minute, second) / 1000 : Number.NaN;
}

/** The inverse: the 24-hour form. */
export function encodeClock(values: Float64Array, _calibration: Uint8Array, frame: Uint8Array): void {
  const date = new Date(Math.round(values[0]!) * 1000);
  if (Number.isNaN(date.getTime())) return;
  const century = date.getUTCFullYear() >= 2100 ? 0x80 : 0;
  frame.set([bcd(date.getUTCSeconds()), bcd(date.getUTCMinutes()), bcd(date.getUTCHours()), date.getUTCDay() + 1]);
  frame.set([bcd(date.getUTCDate()), bcd(date.getUTCMonth() + 1) | century, bcd(date.getUTCFullYear() % 100)], 4);
}
