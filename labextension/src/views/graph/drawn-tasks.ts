/** Which tasks the picture of single tasks shows: the latest ones, or those around one. */

import type { IViewContext } from '../context';
import { TASKS_DRAWN_MAX } from './graph-note';
import { neighbourhood } from './layers';

const NEIGHBOURS_MAX = 60;
const NEIGHBOUR_LEVELS = 2;

/** Their places; `around` is the task whose neighbours are shown, or -1. */
export function drawnTasks(context: IViewContext, around: number): number[] {
  const { tasks } = context.feed.model;
  if (tasks.has(around)) {
    return neighbourhood(tasks, around, NEIGHBOUR_LEVELS, NEIGHBOURS_MAX);
  }
  if (context.filter.active) {
    const shown = context.model().members.flat();
    return shown.sort((a, b) => a - b).slice(-TASKS_DRAWN_MAX);
  }
  const first = Math.max(0, tasks.length - TASKS_DRAWN_MAX);
  return Array.from({ length: tasks.length - first }, (_, i) => first + i);
}
