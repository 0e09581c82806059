/** The views there are, and how they stand together in a given width. Pure. */

export const VIEW_NAMES = ['graph', 'timeline', 'objects', 'actors', 'nodes'] as const;

export type ViewName = (typeof VIEW_NAMES)[number];

export const VIEW_TITLES: Readonly<Record<ViewName, string>> = {
  graph: 'Graph',
  timeline: 'Timeline',
  objects: 'Objects',
  actors: 'Actors',
  nodes: 'Nodes'
};

/** From these widths on, in pixels, two regions stand below each other, and four of them two by two. */
export const TWO_FROM = 640;
export const FOUR_FROM = 1040;

/** Views that share a place: one of them is seen, the others are tabs. */
export type Region = readonly ViewName[];

/** Rows of regions for a width. Views that are not there are left out. */
export function regionsFor(width: number, views: readonly ViewName[]): Region[][] {
  const rows: ViewName[][][] =
    width < TWO_FROM
      ? [[[...VIEW_NAMES]]]
      : width < FOUR_FROM
        ? [[['graph', 'timeline']], [['objects', 'actors', 'nodes']]]
        : [
            [['graph'], ['timeline']],
            [['objects'], ['actors', 'nodes']]
          ];
  return rows
    .map(row => row.map(region => region.filter(name => views.includes(name))).filter(region => region.length > 0))
    .filter(row => row.length > 0);
}

/** The view of a region that is seen while nobody has chosen: the first that has something to show. */
export function firstOf(region: Region, counts: Readonly<Record<ViewName, number>>): ViewName {
  return region.find(name => counts[name] > 0) ?? region[0];
}
