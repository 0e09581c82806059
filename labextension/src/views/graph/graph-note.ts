/** What stands beside the graph: how much there is, and how much of it is drawn. */

import type { IViewContext } from '../context';
import { formatCount, plural } from '../ui/format';
import type { Mode } from './graph-modes';

/** Where the user asks for single tasks although there are many, the latest ones are drawn. */
export const TASKS_DRAWN_MAX = 300;

/** The note; `focused` is the task whose neighbourhood is shown, or -1. */
export function graphNote(context: IViewContext, mode: Mode, focused: number): string {
  const { model } = context.feed;
  const { tasks } = model;
  const total = context.model().tasksTotal;
  if (focused >= 0 && focused < tasks.length) {
    return `around ${model.nameOf(tasks.func[focused])} #${focused}`;
  }
  if (mode === 'tasks' && total > TASKS_DRAWN_MAX) {
    return `the latest ${TASKS_DRAWN_MAX} of ${formatCount(Math.min(total, tasks.length))} listed tasks`;
  }
  if (context.filter.active) {
    return `${formatCount(total)} of ${plural(model.tasksTotal, 'task')}`;
  }
  const edges = tasks.edges > 0 ? ` · ${plural(tasks.edges, 'dependency', 'dependencies')}` : '';
  return total > 0 ? `${plural(total, 'task')}${edges}` : '';
}
