/** Recursions in the picture of single tasks: two of them do not mix, and their branches do not cross. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Model } from '../../labextension/src/views/model/model';
import { laidOut } from './laid-out';
import type { INewTask } from './message';
import { message } from './message';
import { told } from './told';

function modelOf(tasks: readonly INewTask[]): Model {
  return told(message({ names: ['a', 'b'] }, tasks));
}

/** A tree of one function: each task submits two others, `depth` levels deep. */
function tree(func: number, depth: number, first: number): INewTask[] {
  return Array.from({ length: 2 ** depth - 1 }, (_, i) => ({
    func,
    parent: i === 0 ? -1 : first + Math.floor((i - 1) / 2)
  }));
}

describe('the picture of recursions', () => {
  test('draws two recursions of one function apart, and what only looks alike together', () => {
    const first = tree(0, 3, 0);
    const both = modelOf([...first, ...tree(0, 3, first.length)]);
    const { clusters } = laidOut(both);
    assert.deepEqual(clusters.map(cluster => cluster.tasks.length).sort(), [1, 1, 2, 2, 4, 4]);
    for (const a of clusters) {
      for (const b of clusters.filter(other => other !== a)) {
        assert.ok(
          a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y,
          'clusters overlap'
        );
      }
    }
    const pipelines = modelOf([{ func: 0 }, { func: 1, deps: [0] }, { func: 0 }, { func: 1, deps: [2] }]);
    assert.deepEqual(
      laidOut(pipelines).clusters.map(cluster => cluster.tasks.length),
      [2, 2]
    );
  });

  for (const vertical of [false, true]) {
    test(`has no crossing edges between the grids of a tree (${vertical ? 'down' : 'across'})`, () => {
      const { x, y, clusters } = laidOut(modelOf(tree(0, 6, 0)), 4, vertical);
      assert.ok(clusters.some(cluster => cluster.grid));
      const cross = vertical ? x : y;
      const edges = Array.from({ length: 62 }, (_, i) => [Math.floor(i / 2), i + 1]);
      for (const [from, to] of edges) {
        for (const [from2, to2] of edges.filter(
          ([other]) => Math.floor(Math.log2(other + 1)) === Math.floor(Math.log2(from + 1))
        )) {
          const [before, after] = [cross.get(from)! - cross.get(from2)!, cross.get(to)! - cross.get(to2)!];
          assert.ok(before * after >= 0, `${from}-${to} crosses ${from2}-${to2}`);
        }
      }
    });
  }
});
