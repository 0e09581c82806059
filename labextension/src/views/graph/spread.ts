/** Places along a line, as near as possible to where each thing wants to be, without overlaps. */

/** A thing with an extent along the line, and the free room it needs before and after. */
export interface ISpreadItem {
  readonly size: number;
  readonly before: number;
  readonly after: number;
}

/** The least distance of the centres of two items that follow each other. */
export function distance(a: ISpreadItem, b: ISpreadItem): number {
  return a.size / 2 + a.after + b.before + b.size / 2;
}

/**
 * Centres of the items, in their order, near the wanted ones.
 *
 * It is the mean of the tightest places pushed forward and those pushed back: both keep the distances, so their
 * mean does, and neither end is favoured.
 */
export function spread(items: readonly ISpreadItem[], wanted: readonly number[]): number[] {
  const forward = [...wanted];
  const backward = [...wanted];
  for (let i = 1; i < items.length; i++) {
    forward[i] = Math.max(forward[i], forward[i - 1] + distance(items[i - 1], items[i]));
  }
  for (let i = items.length - 2; i >= 0; i--) {
    backward[i] = Math.min(backward[i], backward[i + 1] - distance(items[i], items[i + 1]));
  }
  return forward.map((centre, i) => (centre + backward[i]) / 2);
}
