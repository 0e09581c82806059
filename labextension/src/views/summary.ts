/** A cluster in four numbers, for places that hold one line. Pure. */

import type { Model } from './model';
import { TaskState } from './states';

export interface ISummary {
  /** Workers in which something runs. */
  readonly busy: number;
  readonly workers: number;
  /** Tasks that wait for arguments or for a worker. */
  readonly queued: number;
  readonly storeBytes: number;
}

/** Sums up a model. */
export function summaryOf(model: Model): ISummary {
  const { tasks } = model;
  const running = new Set<number>();
  for (let task = 0; task < tasks.length; task++) {
    if (tasks.state[task] === TaskState.running && tasks.worker[task] >= 0) {
      running.add(tasks.worker[task]);
    }
  }
  const nodes = [...model.nodes.values()].filter(node => node.alive);
  const workers = nodes.reduce((sum, node) => sum + node.workers, 0);
  const totals = model.totals();
  return {
    busy: Math.min(running.size, workers),
    workers,
    queued: totals[TaskState.waiting] + totals[TaskState.ready],
    storeBytes: nodes.reduce((sum, node) => sum + node.store_used_bytes, 0)
  };
}
