/** Layouts of all the tasks of a model, as the graph view makes them. */

import { Layers } from '../../labextension/src/views/graph/layers';
import type { ITaskLayout } from '../../labextension/src/views/graph/task-layout';
import { arrange, clusterLayers, tidyOrder } from '../../labextension/src/views/graph/task-layout';
import type { Model } from '../../labextension/src/views/model/model';

/** All its tasks, by their places in the list. */
export function everyTask(model: Model): number[] {
  return Array.from({ length: model.tasks.length }, (_, i) => i);
}

/** All its tasks, layer by layer. */
export function clustersOf(model: Model): ReturnType<typeof clusterLayers> {
  const layers = new Layers();
  layers.sync(model);
  return clusterLayers(model.tasks, everyTask(model), task => layers.of(task));
}

/** Where they stand. */
export function laidOut(model: Model, wrap = 100, vertical = false): ITaskLayout {
  const clusters = clustersOf(model);
  tidyOrder(model.tasks, clusters);
  return arrange(model.tasks, clusters, wrap, vertical, () => 5);
}
