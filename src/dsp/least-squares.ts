/**
 * Coefficients, lowest power first, of the polynomial of a degree that fits points best. The abscissas are shifted and
 * scaled to ±1 while solving, so that a fit through 4–20 mA or raw counts is not spoilt by rounding.
 */
export function fitPolynomial(points: readonly (readonly [number, number])[], degree: number): number[] {
  const xs = points.map(([x]) => x);
  const mid = (Math.min(...xs) + Math.max(...xs)) / 2;
  const half = (Math.max(...xs) - Math.min(...xs)) / 2 || 1;
  const size = degree + 1;
  const rows = Array.from({ length: size }, (_, r) =>
    Array.from({ length: size + 1 }, (_, c) =>
      points.reduce((s, [x, y]) => {
        const u = (x - mid) / half;
        return s + (c < size ? u ** (r + c) : u ** r * y);
      }, 0),
    ),
  );
  const scaled = solve(rows);
  // Back from u = (x - mid) / half to powers of x, by Horner's scheme on polynomials.
  let poly = [0];
  for (const c of scaled.toReversed()) {
    const next = new Array<number>(poly.length + 1).fill(0);
    poly.forEach((p, i) => {
      next[i + 1]! += p / half;
      next[i]! -= (p * mid) / half;
    });
    next[0]! += c;
    poly = next;
  }
  return poly.slice(0, size);
}

/** Solves an augmented matrix by elimination with pivoting. */
function solve(rows: number[][]): number[] {
  const n = rows.length;
  for (let c = 0; c < n; c++) {
    let pivot = c;
    for (let r = c + 1; r < n; r++) if (Math.abs(rows[r]![c]!) > Math.abs(rows[pivot]![c]!)) pivot = r;
    [rows[c], rows[pivot]] = [rows[pivot]!, rows[c]!];
    for (let r = 0; r < n; r++) {
      if (r === c) continue;
      const f = rows[r]![c]! / rows[c]![c]!;
      for (let k = c; k <= n; k++) rows[r]![k]! -= f * rows[c]![k]!;
    }
  }
  return rows.map((row, i) => row[n]! / row[i]!);
}
