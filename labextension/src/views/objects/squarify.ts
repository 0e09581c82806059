/** Squarified treemap (Bruls, Huizing, van Wijk 2000): rectangles of given areas, as square as they can be. */

export interface IRect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/**
 * Divides `space` among `values` (not negative, the largest first), in proportion. Returns a rectangle for
 * each value in the same order.
 */
export function squarify(values: readonly number[], space: IRect): IRect[] {
  const sum = values.reduce((a, b) => a + b, 0);
  const rects: IRect[] = [];
  if (sum <= 0 || space.width <= 0 || space.height <= 0) {
    return values.map(() => ({ x: space.x, y: space.y, width: 0, height: 0 }));
  }
  const areas = values.map(value => (value / sum) * space.width * space.height);
  let rest = space;
  let first = 0;
  while (first < areas.length) {
    const side = Math.min(rest.width, rest.height);
    let last = first + 1;
    let rowArea = areas[first];
    while (last < areas.length) {
      const widened = rowArea + areas[last];
      const now = worstRatio(areas[first], areas[last - 1], rowArea, side);
      const then = worstRatio(areas[first], areas[last], widened, side);
      if (then > now) {
        break;
      }
      rowArea = widened;
      last += 1;
    }
    rest = layRow(areas.slice(first, last), rowArea, rest, rects);
    first = last;
  }
  return rects;
}

/** The worst ratio of sides in a row whose areas lie between `smallest` and `largest`. */
function worstRatio(largest: number, smallest: number, rowArea: number, side: number): number {
  if (smallest <= 0 || side <= 0) {
    return Infinity;
  }
  const square = rowArea * rowArea;
  return Math.max((side * side * largest) / square, square / (side * side * smallest));
}

function layRow(areas: readonly number[], rowArea: number, space: IRect, rects: IRect[]): IRect {
  const vertical = space.width >= space.height;
  const side = vertical ? space.height : space.width;
  const depth = side > 0 ? rowArea / side : 0;
  let offset = 0;
  for (const area of areas) {
    const length = depth > 0 ? area / depth : 0;
    rects.push(
      vertical
        ? { x: space.x, y: space.y + offset, width: depth, height: length }
        : { x: space.x + offset, y: space.y, width: length, height: depth }
    );
    offset += length;
  }
  return vertical
    ? { x: space.x + depth, y: space.y, width: Math.max(0, space.width - depth), height: space.height }
    : { x: space.x, y: space.y + depth, width: space.width, height: Math.max(0, space.height - depth) };
}
