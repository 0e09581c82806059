/** What becomes of a model when the session has ended: nothing in it waits, runs or lives any more. Pure. */

import type { Model } from './model';
import { TaskState, UNFINISHED } from './states';

/** Ends what had not: tasks are cancelled, actors and nodes dead, objects gone. Does nothing without a session. */
export function endSession(model: Model): void {
  if (model.session === '') {
    return;
  }
  const { tasks } = model;
  for (let task = 0; task < tasks.length; task++) {
    if (tasks.state[task] < TaskState.done) {
      tasks.end[task] = Math.max(model.time, tasks.start[task]);
      tasks.state[task] = TaskState.cancelled;
    }
  }
  for (const counts of [...model.counts, ...model.listedCounts]) {
    for (const state of UNFINISHED) {
      counts[TaskState.cancelled] += counts[state];
      counts[state] = 0;
    }
  }
  for (const [id, actor] of model.actors) {
    if (actor.state !== 'dead') {
      model.actors.set(id, { ...actor, state: 'dead', current: '', pending: 0, cause: 'the session ended' });
    }
  }
  for (const [id, node] of model.nodes) {
    model.nodes.set(id, { ...node, alive: false });
  }
  model.objects.clear();
  model.objectTotals = { ...model.objectTotals, count: 0, memoryBytes: 0, storeUsedBytes: 0 };
  model.version += 1;
  model.spansVersion += 1;
  model.objectsVersion += 1;
}
