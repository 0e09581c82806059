/** Models that were told messages, and rows of nodes to tell of; a message that is not taken in fails the test. */

import assert from 'node:assert/strict';
import { Model } from '../../labextension/src/views/model/model';
import { Travel } from '../../labextension/src/views/model/travel';
import type { IFeedHeader, INodeRow } from '../../labextension/src/views/model/wire';

/** A message as it comes: its header, and its buffer. */
export type Told = readonly [IFeedHeader, DataView];

/** Tells a model one message after the other. */
export function tell(model: Model, ...messages: readonly Told[]): void {
  messages.forEach(each => assert.equal(model.apply(...each), 'applied'));
}

/** A model that was told these messages. */
export function told(...messages: readonly Told[]): Model {
  const model = new Model();
  tell(model, ...messages);
  return model;
}

/** A model in whose time one travels. */
export class Traveller {
  readonly live = new Model();
  readonly travel = new Travel(this.live);

  tell(...message: Told): void {
    tell(this.live, message);
    this.travel.note();
  }

  /** The model of that moment. */
  at(time: number): Model {
    this.travel.goTo(time);
    return this.travel.model!;
  }
}

/** A node that lives and has nothing, but for what is given. */
export function nodeRow(id: string, more: Partial<INodeRow> = {}): INodeRow {
  return {
    id,
    label: `node ${id}`,
    process: `${id}00`,
    alive: true,
    resources: {},
    available: {},
    workers: 1,
    store_used_bytes: 0,
    store_capacity_bytes: 100,
    ...more
  };
}
