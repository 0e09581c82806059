/** Layers, layouts, waffles and treemaps: pure geometry. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { components, layoutBoxesToFit } from '../../labextension/src/views/graph/box-fit';
import { layoutBoxes } from '../../labextension/src/views/graph/box-layout';
import { Filter } from '../../labextension/src/views/model/filter';
import { Flows } from '../../labextension/src/views/graph/flows';
import { Layers, neighbourhood } from '../../labextension/src/views/graph/layers';
import type { Model } from '../../labextension/src/views/model/model';
import { squarify } from '../../labextension/src/views/objects/squarify';
import { TaskState } from '../../labextension/src/views/model/states';
import { arrangeToFit } from '../../labextension/src/views/graph/task-fit';
import { PITCH } from '../../labextension/src/views/graph/task-layout';
import { taskOfCell, waffle } from '../../labextension/src/views/graph/waffle';
import { clustersOf, everyTask, laidOut } from './laid-out';
import type { INewTask } from './message';
import { message } from './message';
import { told } from './told';

function modelOf(tasks: readonly INewTask[], header = {}): Model {
  return told(message({ names: ['a', 'b', 'c', 'd'], ...header }, tasks));
}

/** 2 sources, each read by 3 tasks, all joined by one. */
const DIAMOND: INewTask[] = [
  { func: 0 },
  { func: 0 },
  ...[0, 0, 0, 1, 1, 1].map(source => ({ func: 1, deps: [source] })),
  { func: 2, deps: [2, 3, 4, 5, 6, 7] }
];

describe('layers', () => {
  test('put a task behind everything it comes from', () => {
    const model = modelOf(DIAMOND);
    const layers = new Layers();
    layers.sync(model);
    assert.deepEqual(
      everyTask(model).map(task => layers.of(task)),
      [0, 0, 1, 1, 1, 1, 1, 1, 2]
    );
    assert.equal(layers.widest, 6);
  });

  test('put a nested task behind the one that submitted it', () => {
    const model = modelOf([{ func: 0 }, { func: 0, parent: 0 }, { func: 0, parent: 1 }]);
    const layers = new Layers();
    layers.sync(model);
    assert.deepEqual(
      everyTask(model).map(task => layers.of(task)),
      [0, 1, 2]
    );
  });

  test('never change for a task once placed', () => {
    const model = modelOf(DIAMOND);
    const layers = new Layers();
    layers.sync(model);
    const before = everyTask(model).map(task => layers.of(task));
    model.apply(...message({ kind: 'delta', seq: 1 }, [{ func: 3, deps: [8] }]));
    layers.sync(model);
    assert.deepEqual(
      everyTask(model).map(task => layers.of(task)),
      [...before, 3]
    );
  });

  test('start over with another session', () => {
    const model = modelOf(DIAMOND);
    const layers = new Layers();
    layers.sync(model);
    model.apply(...message({ session: 's2' }, [{ func: 0 }]));
    layers.sync(model);
    assert.equal(layers.length, 1);
    assert.equal(layers.widest, 1);
  });
});

describe('the neighbourhood of a task', () => {
  test('reaches so many levels up and down', () => {
    const chain = Array.from({ length: 9 }, (_, i) => ({ func: 0, deps: i > 0 ? [i - 1] : [] }));
    assert.deepEqual(neighbourhood(modelOf(chain).tasks, 4, 2, 60), [2, 3, 4, 5, 6]);
  });

  test('is bounded and keeps its centre', () => {
    const fan = [{ func: 0 }, ...Array.from({ length: 200 }, () => ({ func: 1, deps: [0] }))];
    const found = neighbourhood(modelOf(fan).tasks, 0, 2, 60);
    assert.equal(found.length, 60);
    assert.ok(found.includes(0));
  });
});

describe('the layout of tasks', () => {
  for (const [wrap, vertical] of [
    [100, false],
    [4, false],
    [100, true],
    [4, true]
  ] as const) {
    test(`keeps marks apart (grids of ${wrap}, ${vertical ? 'down' : 'across'})`, () => {
      const model = modelOf(DIAMOND);
      const { x, y, width, height } = laidOut(model, wrap, vertical);
      for (const task of everyTask(model)) {
        assert.ok(x.get(task)! >= 0 && x.get(task)! <= width && y.get(task)! >= 0 && y.get(task)! <= height);
        for (const other of everyTask(model).slice(task + 1)) {
          const distance = Math.hypot(x.get(task)! - x.get(other)!, y.get(task)! - y.get(other)!);
          assert.ok(distance >= PITCH - 1e-6, `${task} and ${other} are ${distance} apart`);
        }
      }
    });
  }

  test('runs from left to right', () => {
    const model = modelOf(DIAMOND);
    const { x } = laidOut(model);
    for (const task of everyTask(model)) {
      model.tasks.depsOf(task).forEach(dep => assert.ok(x.get(dep)! < x.get(task)!));
    }
  });

  test('keeps a task without edges near the others', () => {
    const model = modelOf([{ func: 3 }, ...DIAMOND.map(t => ({ ...t, deps: (t.deps ?? []).map(dep => dep + 1) }))]);
    const { x, y } = laidOut(model);
    const nearest = Math.min(...[1, 2].map(task => Math.hypot(x.get(0)! - x.get(task)!, y.get(0)! - y.get(task)!)));
    assert.ok(nearest <= 3 * PITCH, `${nearest} away`);
  });

  test('has no crossing edges where there need be none', () => {
    const { y } = laidOut(modelOf(DIAMOND));
    const [first, second] =
      y.get(0)! < y.get(1)!
        ? [
            [2, 3, 4],
            [5, 6, 7]
          ]
        : [
            [5, 6, 7],
            [2, 3, 4]
          ];
    assert.ok(Math.max(...first.map(task => y.get(task)!)) < Math.min(...second.map(task => y.get(task)!)));
  });

  test('puts a wide map into a grid where it would be too small otherwise', () => {
    const map = [{ func: 0 }, ...Array.from({ length: 40 }, () => ({ func: 1, deps: [0] }))];
    const model = modelOf(map);
    const clusters = clustersOf(model);
    const layout = arrangeToFit(model.tasks, clusters, { width: 900, height: 250 }, () => 5);
    assert.deepEqual(
      layout.clusters.map(cluster => cluster.grid),
      [false, true]
    );
    assert.ok(layout.height <= 400);
  });
});

describe('the layout of functions', () => {
  const sizes = (funcs: readonly number[]): { func: number; width: number; height: number }[] =>
    funcs.map(func => ({ func, width: 200, height: 100 }));

  function flowsOf(tasks: readonly INewTask[]): Flows {
    const flows = new Flows();
    flows.sync(modelOf(tasks), new Filter());
    return flows;
  }

  test('counts what goes from one to another, and within one', () => {
    const flows = flowsOf([...DIAMOND, { func: 2, deps: [8] }]);
    const between = flows.between().map(({ from, to, count, call }) => [from, to, count, call]);
    assert.deepEqual(between, [
      [0, 1, 6, false],
      [1, 2, 6, false]
    ]);
    assert.deepEqual(flows.within(2), { from: 2, to: 2, count: 1, call: false });
    assert.equal(flows.within(1), undefined);
  });

  test('shows submission where no data flows', () => {
    const flows = flowsOf([{ func: 0 }, { func: 1, parent: 0 }]);
    assert.deepEqual(flows.between(), [{ from: 0, to: 1, count: 1, call: true }]);
  });

  test('keeps boxes apart and follows the flow', () => {
    const flows = flowsOf([{ func: 0 }, { func: 1, deps: [0] }, { func: 2, deps: [0] }, { func: 3, deps: [1, 2, 0] }]);
    const { boxes, width, height } = layoutBoxes(sizes([0, 1, 2, 3]), flows.between(), false);
    const list = [...boxes.values()];
    for (const a of list) {
      assert.ok(a.x >= -1e-6 && a.y >= -1e-6 && a.x + a.width <= width + 1e-6 && a.y + a.height <= height + 1e-6);
      for (const b of list.filter(other => other !== a)) {
        const apart = a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
        assert.ok(apart, `${a.func} and ${b.func} overlap`);
      }
    }
    assert.ok(boxes.get(0)!.x < boxes.get(1)!.x && boxes.get(1)!.x < boxes.get(3)!.x);
  });

  test('lets unconnected parts share the place', () => {
    const flows = flowsOf([{ func: 0 }, { func: 1, deps: [0] }, { func: 2 }, { func: 3 }]);
    assert.deepEqual(
      components(sizes([0, 1, 2, 3]), flows.between()).map(part => part.map(box => box.func)),
      [[0, 1], [2], [3]]
    );
    const narrow = layoutBoxesToFit(sizes([0, 1, 2, 3]), flows.between(), { width: 230, height: 600 });
    assert.equal(narrow.width, 200);
    const wide = layoutBoxesToFit(sizes([0, 1, 2, 3]), flows.between(), { width: 1000, height: 250 });
    assert.ok(wide.height <= 250 && wide.width <= 1000);
  });

  test('survives functions that feed each other', () => {
    const flows = flowsOf([{ func: 0 }, { func: 1, deps: [0] }, { func: 0, deps: [1] }, { func: 1, deps: [2] }]);
    const { boxes, flows: placed } = layoutBoxes(sizes([0, 1]), flows.between(), true);
    assert.equal(placed.length, 2);
    assert.ok(boxes.get(0)!.y < boxes.get(1)!.y);
    placed.forEach(({ points }) => assert.ok(points.length >= 2));
  });
});

describe('a waffle', () => {
  const tasks = Array.from({ length: 100 }, () => ({ func: 0 }));

  test('marks the cells of tasks that were tried more than once, and counts those', () => {
    const model = modelOf(tasks.slice(0, 6));
    const changes = [1, 4, 5].map(id => ({ id, state: TaskState.done, attempt: id === 4 ? 0 : 2 }));
    model.apply(...message({ kind: 'delta', seq: 1 }, [], changes));
    assert.deepEqual([...waffle(model, 0, 6).again], [0, 1, 0, 0, 0, 1]);
    assert.deepEqual([...waffle(model, 0, 3).again], [1, 0, 1]);
    assert.equal(waffle(model, 0, 3).retried, 2);
  });

  test('has a cell for each task while there is room', () => {
    const { cells, tasksPerCell } = waffle(modelOf(tasks), 0, 200);
    assert.equal(cells.length, 100);
    assert.equal(tasksPerCell, 1);
  });

  test('shows the gravest state in a shared cell', () => {
    const model = modelOf(tasks, { groups: [[0, 0, 0, 0, 99, 1, 0]] });
    const changes = tasks.map((_, id) => ({ id, state: id === 57 ? TaskState.failed : TaskState.done }));
    model.apply(...message({ kind: 'delta', seq: 1 }, [], changes));
    const { cells, tasksPerCell } = waffle(model, 0, 10);
    assert.deepEqual([...cells], [3, 3, 3, 3, 3, 4, 3, 3, 3, 3]);
    assert.equal(taskOfCell(model, 0, 5, tasksPerCell), 57);
  });

  test('counts the tasks beyond the list', () => {
    const model = modelOf(tasks, { groups: [[0, 100, 0, 0, 800, 100, 0]] });
    const { cells, tasksPerCell } = waffle(model, 0, 100);
    assert.equal(tasksPerCell, 10);
    assert.equal(cells.length, 100);
    const of = (state: number): number => cells.filter(cell => cell === state).length;
    assert.deepEqual([of(TaskState.waiting), of(TaskState.done), of(TaskState.failed)], [10, 80, 10]);
    assert.equal(taskOfCell(model, 0, 50, tasksPerCell), -1);
  });
});

describe('a treemap', () => {
  test('gives each value its share of the area, inside and without overlaps', () => {
    const values = [6, 6, 4, 3, 2, 2, 1];
    const rects = squarify(values, { x: 10, y: 20, width: 600, height: 400 });
    rects.forEach((rect, i) => {
      assert.ok(Math.abs(rect.width * rect.height - (values[i] / 24) * 240_000) < 1e-6);
      assert.ok(rect.x >= 10 - 1e-6 && rect.y >= 20 - 1e-6);
      assert.ok(rect.x + rect.width <= 610 + 1e-6 && rect.y + rect.height <= 420 + 1e-6);
    });
    for (const [i, a] of rects.entries()) {
      for (const b of rects.slice(i + 1)) {
        const over = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
        const under = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
        assert.ok(over < 1e-6 || under < 1e-6);
      }
    }
  });

  test('of nothing is nothing', () => {
    assert.deepEqual(squarify([], { x: 0, y: 0, width: 10, height: 10 }), []);
    assert.equal(squarify([0, 0], { x: 0, y: 0, width: 10, height: 10 })[1].width, 0);
  });
});
