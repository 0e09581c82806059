/** The picture of single tasks, without a browser: where it puts what has just been listed. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IViewContext } from '../../labextension/src/views/context';
import { Filter } from '../../labextension/src/views/model/filter';
import { Layers } from '../../labextension/src/views/graph/layers';
import { Model } from '../../labextension/src/views/model/model';
import { TaskScene } from '../../labextension/src/views/graph/task-scene';
import { message } from './message';

test('a scene that is only resized places tasks that were listed since its last update', () => {
  const model = new Model();
  model.apply(...message({ names: ['leaf'] }, [{ func: 0 }, { func: 0, parent: 0 }, { func: 0, parent: 1 }]));
  Object.assign(globalThis, {
    window: { setTimeout: () => 0, matchMedia: () => ({ matches: true }) }
  });
  const context = { feed: { model }, filter: new Filter(), model: () => model } as unknown as IViewContext;
  const scene = new TaskScene(
    context,
    new Layers(),
    () => [0, 1, 2],
    () => undefined
  );
  scene.update({ width: 800, height: 400 });
  const columns: number[] = [];
  for (let x = 0; x < scene.width; x++) {
    const task = scene.hit({ x, y: scene.height - 15 });
    if (task >= 0 && !columns.includes(task)) {
      columns.push(task);
    }
  }
  assert.deepEqual(columns, [0, 1, 2]);
  scene.dispose();
});
