/** What stands beside the graph: how much there is, and how much of it is drawn. */

import type { IViewContext } from '../context';
import { setText } from '../ui/dom';
import { UNLISTED_HELP, formatCount, plural } from '../ui/format';
import type { Mode } from './graph-modes';

/** Where the user asks for single tasks although there are many, the latest ones are drawn. */
export const TASKS_DRAWN_MAX = 300;

/** The note; `focused` is the task whose neighbourhood is shown, or -1. */
export function graphNote(context: IViewContext, mode: Mode, focused: number): string {
  const { model } = context.feed;
  const { tasks } = model;
  const total = context.model().tasksTotal;
  if (tasks.has(focused)) {
    return `around ${model.titleOf(focused)}`;
  }
  if (mode === 'tasks' && total > TASKS_DRAWN_MAX) {
    return `the latest ${TASKS_DRAWN_MAX} of ${formatCount(Math.min(total, tasks.length))} listed tasks`;
  }
  if (context.filter.active) {
    return `${formatCount(total)} of ${plural(model.tasksTotal, 'task')}`;
  }
  const unlisted = model.unlisted > 0 ? ` · ${formatCount(model.unlisted)} not listed` : '';
  const edges = tasks.edges > 0 ? ` · ${plural(tasks.edges, 'dependency', 'dependencies')}` : '';
  return total > 0 ? `${plural(total, 'task')}${unlisted}${edges}` : '';
}

/** While nothing has been called. */
export const NO_TASKS = ['No tasks yet', 'Call a remote function: its task appears here', 'f.remote(1)'] as const;

/** Why there is nothing to draw, and what to do: a title, a sentence, and code. */
export function whyNone(total: number, listed: number): readonly [string, string, string] {
  if (total === 0) {
    return NO_TASKS;
  }
  return total > listed
    ? ['No listed task passes the filter', UNLISTED_HELP, '']
    : ['No tasks pass the filter', 'Choose all cells and all functions to see the others', ''];
}

/** Says it in an empty note. */
export function sayWhyNone(empty: HTMLElement, context: IViewContext): void {
  const { model } = context.feed;
  whyNone(model.tasksTotal, model.tasks.length).forEach((words, index) => setText(empty.children[index], words));
}
