/** What of the timeline is under the pointer. */

import type { IAttempt } from '../model/attempts';
import { describeAttempt } from '../model/attempts';
import { describeSpan, taskAt } from '../model/spans';
import type { ITimelinePicture } from './timeline-draw';
import { placeAt } from './timeline-layout';
import { workAt } from './work-draw';
import type { IWorkSpan } from '../model/work-spans';
import { describeWork } from '../model/work-spans';

/** A span this many pixels away is still meant. */
const SLACK_PX = 3;

export interface IPick {
  /** -1 if there is none. */
  readonly task: number;
  readonly past: IAttempt | null;
  readonly work: IWorkSpan | null;
}

const NOTHING: IPick = { task: -1, past: null, work: null };

/** What is at a point. In front of a row, that is the task that its worker has begun last. */
export function pickAt(picture: ITimelinePicture | null, x: number, y: number): IPick {
  const found = picture && placeAt(picture.layout, y + picture.scroll);
  if (!picture || !found) {
    return NOTHING;
  }
  const { layout, window, gutter, width, scroll, model, now } = picture;
  const { row } = found.place;
  if (x < gutter) {
    return { ...NOTHING, task: row.tasks[row.tasks.length - 1] ?? -1 };
  }
  const perPixel = window.length / Math.max(1, width - gutter);
  const time = window.from + (x - gutter) * perPixel;
  const slack = SLACK_PX * perPixel;
  const task = taskAt(model, row, found.lane, time, slack, now);
  const past =
    task >= 0 ? null : (row.past.find(each => time >= each.start - slack && time <= each.end + slack) ?? null);
  return { task, past, work: workAt(layout, y + scroll, time, slack) };
}

/** The pick in words; "" if there is nothing. */
export function describePick({ task, past, work }: IPick, { model, now }: ITimelinePicture): string {
  const words = [
    work ? describeWork(model, work) : '',
    task >= 0 ? describeSpan(model, task, now) : '',
    past ? describeAttempt(model, past) : ''
  ];
  return words.filter(each => each !== '').join(' — ');
}
