/** Where the rows of the timeline stand: top down, the rows of a node under its name. */

import type { ITimeline, ITimelineRow } from '../model/spans';

export const AXIS_HEIGHT = 22;
const HEAD_HEIGHT = 18;
const ROW_MAX = 28;
/** A row's label can be read; rows that do not fit are scrolled to. */
const ROW_MIN = 14;
/** Every lane after the first makes a row higher by this part. */
const LANE_PART = 0.6;
const BOTTOM = 6;
/** For how many tasks ran at once, where the rows leave room for it. */
const BUSY_HEIGHT = 26;

export interface IRowPlace {
  readonly row: ITimelineRow;
  readonly y: number;
  readonly height: number;
}

export interface IHeadPlace {
  readonly label: string;
  readonly y: number;
}

export interface ITimelineLayout {
  /** Where the rows begin: below the axis, and below how many tasks ran at once if that is drawn. */
  readonly top: number;
  readonly rows: readonly IRowPlace[];
  readonly heads: readonly IHeadPlace[];
  /** Height of everything below `top`; more than there is room for when rows are as low as they may be. */
  readonly height: number;
}

/** Fits the rows into a height. */
export function layOut(timeline: ITimeline, height: number): ITimelineLayout {
  const heads = timeline.groups.filter(group => group.label !== '').length;
  const weights = timeline.groups.flatMap(group => group.rows.map(weight));
  const all = height - AXIS_HEIGHT - BOTTOM - heads * HEAD_HEIGHT;
  const spare = weights.length > 1 && all - sum(weights) * ROW_MIN >= BUSY_HEIGHT;
  const room = spare ? all - BUSY_HEIGHT : all;
  const top = AXIS_HEIGHT + (spare ? BUSY_HEIGHT : 0);
  const unit = Math.min(ROW_MAX, Math.max(ROW_MIN, room / Math.max(1, sum(weights))));
  const rows: IRowPlace[] = [];
  const headPlaces: IHeadPlace[] = [];
  let y = top;
  for (const group of timeline.groups) {
    if (group.label !== '') {
      headPlaces.push({ label: group.label, y });
      y += HEAD_HEIGHT;
    }
    for (const row of group.rows) {
      rows.push({ row, y, height: unit * weight(row) });
      y += unit * weight(row);
    }
  }
  return { top, rows, heads: headPlaces, height: y - top + BOTTOM };
}

/** The row at a height, and the lane in it. */
export function placeAt(layout: ITimelineLayout, y: number): { place: IRowPlace; lane: number } | null {
  const place = layout.rows.find(row => y >= row.y && y < row.y + row.height);
  if (!place) {
    return null;
  }
  const lane = Math.floor(((y - place.y) / place.height) * place.row.laneCount);
  return { place, lane: Math.min(place.row.laneCount - 1, lane) };
}

function weight(row: ITimelineRow): number {
  return 1 + LANE_PART * (row.laneCount - 1);
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
