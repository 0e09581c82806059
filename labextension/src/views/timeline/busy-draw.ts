/** Draws how many tasks ran at once, over time: above the rows, where there is room. */

import { fitText } from '../ui/draw';
import type { ITimeline } from '../model/spans';
import type { ITimelinePicture } from './timeline-draw';
import { AXIS_HEIGHT } from './timeline-layout';

/** Room above and below the steps. */
const PAD = 3;

/** The most tasks that ran at once in each of `count` equal pieces of the time between two moments. */
export function busyIn(
  { starts, ends }: Pick<ITimeline, 'starts' | 'ends'>,
  from: number,
  to: number,
  count: number
): Uint32Array {
  const most = new Uint32Array(Math.max(0, count));
  let [begun, ended] = [0, 0];
  for (let piece = 0; piece < most.length; piece++) {
    const left = from + ((to - from) * piece) / count;
    const right = from + ((to - from) * (piece + 1)) / count;
    // what ended before has made room; what starts in it may run at once with what ends later in it
    for (; ended < ends.length && ends[ended] <= left; ended++);
    for (; begun < starts.length && starts[begun] <= left; begun++);
    let now = begun - ended;
    most[piece] = now;
    while (begun < starts.length && starts[begun] < right) {
      if (ended < ends.length && ends[ended] <= starts[begun]) {
        ended += 1;
        now -= 1;
      } else {
        begun += 1;
        now += 1;
        most[piece] = Math.max(most[piece], now);
      }
    }
  }
  return most;
}

/** Equal neighbours among the first `end` values as one step each; where nothing is there is none. */
export function stepsOf(values: ArrayLike<number>, end: number): { from: number; to: number; value: number }[] {
  const steps: { from: number; to: number; value: number }[] = [];
  for (let from = 0, to = 1; from < end; from = to, to++) {
    while (to < end && values[to] === values[from]) {
      to += 1;
    }
    if (values[from] > 0) {
      steps.push({ from, to, value: values[from] });
    }
  }
  return steps;
}

/** Draws the steps, and beside them how many ran at once at most. */
export function drawBusy(context: CanvasRenderingContext2D, picture: ITimelinePicture): void {
  const { layout, window, gutter, width, palette, timeline, now } = picture;
  const height = layout.top - AXIS_HEIGHT;
  const columns = Math.floor(width - gutter);
  if (height <= 0 || columns <= 0) {
    return;
  }
  const busy = busyIn(timeline, window.from, window.to, columns);
  const peak = busy.reduce((a, b) => Math.max(a, b), 0);
  const floor = layout.top - PAD;
  const end = Math.min(columns, Math.ceil(((now - window.from) / window.length) * columns));
  context.fillStyle = palette.muted;
  context.globalAlpha = 0.45;
  for (const { from, to, value } of stepsOf(busy, end)) {
    const tall = (value / peak) * (height - 2 * PAD);
    context.fillRect(gutter + from, floor - tall, to - from, tall);
  }
  context.globalAlpha = 1;
  context.font = `11px ${palette.font}`;
  context.textAlign = 'right';
  context.fillText(fitText(context, `${peak} at once`, gutter - 10), gutter - 7, AXIS_HEIGHT + height / 2);
}
