/**
 * Which tasks belong to a recursion: a part of the graph in which one function stands in several layers.
 *
 * Two recursions of one function have tasks of the same name in the same layers; drawn as one, their branches mix. Pure.
 */

import { sourcesOf } from './layers';
import type { TaskTable } from '../model/tasks';

/** For each task of a recursion, the first task of it; the others are not in the map. */
export function recursions(
  tasks: TaskTable,
  ids: readonly number[],
  layerOf: (task: number) => number
): ReadonlyMap<number, number> {
  const first = parts(tasks, ids);
  const layers = new Map<string, number>();
  const recursive = new Set<number>();
  for (const task of ids) {
    const key = `${first(task)}/${tasks.func[task]}`;
    const layer = layers.get(key);
    if (layer !== undefined && layer !== layerOf(task)) {
      recursive.add(first(task));
    }
    layers.set(key, layerOf(task));
  }
  return new Map(ids.filter(task => recursive.has(first(task))).map(task => [task, first(task)]));
}

/** The parts of the graph that are not connected: for each task, the first one of its part. */
function parts(tasks: TaskTable, ids: readonly number[]): (task: number) => number {
  const leader = new Map<number, number>(ids.map(task => [task, task]));
  const find = (task: number): number => {
    let at = task;
    while (leader.get(at) !== at) {
      leader.set(at, leader.get(leader.get(at)!)!);
      at = leader.get(at)!;
    }
    return at;
  };
  for (const task of ids) {
    for (const source of sourcesOf(tasks, task)) {
      if (leader.has(source)) {
        const [a, b] = [find(source), find(task)];
        leader.set(Math.max(a, b), Math.min(a, b));
      }
    }
  }
  return find;
}
