/** The geometry of a braid: pure functions without rendering. */

/** A crossing: the strand at `position` and the strand below it exchange positions in a column. */
export interface Crossing {
  column: number;
  /** 0 is the top position. */
  position: number;
  /** The strand that moves down from `position`, identified by its initial position. */
  down: number;
  /** The strand that moves up from `position` + 1. */
  up: number;
  /** Which of the two strands is in front. */
  over: "down" | "up";
}

/** A strand that keeps its position in a column. */
export interface Straight {
  column: number;
  position: number;
  strand: number;
}

export interface Layout {
  strands: number;
  columns: number;
  crossings: Crossing[];
  straights: Straight[];
  /** The strand at each position after the last column. */
  ends: number[];
  /** The component (closed curve) of each strand, numbered from 0 in the order of their first strands. */
  curves: number[];
}

/**
 * Places each generator in the first column in which its two positions are free, so that independent generators share a
 * column. i is the generator in which strand i crosses over strand i + 1, -i is its inverse.
 */
export function layout(braid: readonly number[], strands: number): Layout {
  const free = new Array<number>(strands).fill(0);
  const at = Array.from({ length: strands }, (_, n) => n);
  const crossings: Crossing[] = [];
  for (const generator of braid) {
    const position = Math.abs(generator) - 1;
    const column = Math.max(free[position]!, free[position + 1]!);
    const [down, up] = [at[position]!, at[position + 1]!];
    crossings.push({ column, position, down, up, over: generator > 0 ? "down" : "up" });
    [at[position], at[position + 1]] = [up, down];
    free[position] = free[position + 1] = column + 1;
  }
  const columns = Math.max(1, ...free);
  return {
    strands,
    columns,
    crossings,
    straights: straights(crossings, strands, columns),
    ends: at,
    curves: curves(at),
  };
}

function straights(crossings: readonly Crossing[], strands: number, columns: number): Straight[] {
  const at = Array.from({ length: strands }, (_, n) => n);
  const found: Straight[] = [];
  for (let column = 0; column < columns; column++) {
    const here = crossings.filter((crossing) => crossing.column === column);
    const busy = new Set(here.flatMap(({ position }) => [position, position + 1]));
    for (let position = 0; position < strands; position++) {
      if (!busy.has(position)) found.push({ column, position, strand: at[position]! });
    }
    for (const { position, down, up } of here) [at[position], at[position + 1]] = [up, down];
  }
  return found;
}

/** The components of the closure, which joins the end and the start at each position: cycles of the permutation. */
function curves(ends: readonly number[]): number[] {
  // The strand that ends at position p continues as the strand that starts at p.
  const next = new Array<number>(ends.length);
  ends.forEach((strand, position) => (next[strand] = position));
  const curve = new Array<number>(ends.length).fill(-1);
  let count = 0;
  for (let first = 0; first < ends.length; first++) {
    if (curve[first] !== -1) continue;
    for (let strand = first; curve[strand] === -1; strand = next[strand]!) curve[strand] = count;
    count++;
  }
  return curve;
}

type Point = [number, number];

/** The curve of a strand between adjacent positions, as the four control points of a cubic Bézier curve. */
export function crossingCurve(left: number, right: number, from: number, to: number): [Point, Point, Point, Point] {
  const middle = (left + right) / 2;
  return [
    [left, from],
    [middle, from],
    [middle, to],
    [right, to],
  ];
}

/** The part of a cubic from parameter `a` to `b`, as an SVG path (de Casteljau). */
export function cubicPart([p0, p1, p2, p3]: [Point, Point, Point, Point], a: number, b: number): string {
  // The blossom of the cubic at (r, s, t) gives the control points of any part.
  const mix = (p: Point, q: Point, t: number): Point => [p[0] + (q[0] - p[0]) * t, p[1] + (q[1] - p[1]) * t];
  const blossom = (r: number, s: number, t: number) => {
    const [x, y, z] = [mix(p0, p1, r), mix(p1, p2, r), mix(p2, p3, r)];
    return mix(mix(x, y, s), mix(y, z, s), t);
  };
  const text = ([x, y]: Point) => `${x.toFixed(2)} ${y.toFixed(2)}`;
  return `M${text(blossom(a, a, a))} C${text(blossom(a, a, b))} ${text(blossom(a, b, b))} ${text(blossom(b, b, b))}`;
}
