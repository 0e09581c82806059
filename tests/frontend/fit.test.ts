/** What fits: tiles into the store map, single tasks into the graph view. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { IObjectRow } from '../../labextension/src/views/model/object-rows';
import { fullScale } from '../../labextension/src/views/graph/stage';
import { arrangeToFit } from '../../labextension/src/views/graph/task-fit';
import { roomFor, tilesOf } from '../../labextension/src/views/objects/tiles';
import { clustersOf } from './laid-out';
import type { INewTask } from './message';
import { message } from './message';
import { told } from './told';

describe('tiles of the store map', () => {
  const object = (id: string, size: number, state: IObjectRow['state'] = 'store'): IObjectRow => ({
    id,
    size,
    state,
    producer: id,
    holders: 1,
    cell: 0,
    node: ''
  });

  test('the text of an error does not crowd out values', () => {
    const tiles = tilesOf([object('error', 5000, 'error'), object('a', 1000, 'memory'), object('b', 840, 'memory')]);
    assert.deepEqual(
      tiles.map(tile => [tile.id, tile.size]),
      [
        ['a', 1000],
        ['b', 840],
        ['error', 5000]
      ]
    );
    assert.ok(tiles[2].area / tiles.reduce((sum, tile) => sum + tile.area, 0) < 0.081);
  });

  test('errors alone fill the map, small ones keep their size', () => {
    assert.equal(tilesOf([object('error', 5000, 'error')])[0].area, 5000);
    const [value, small] = tilesOf([object('a', 1_000_000), object('error', 5000, 'error')]);
    assert.deepEqual([value.area, small.area], [1_000_000, 5000]);
  });

  test('one that is smaller than what can be seen is seen', () => {
    const [large, small] = tilesOf([object('large', 1_000_000), object('small', 6)], 0.01);
    assert.deepEqual([small.id, small.size], ['small', 6]);
    assert.ok(small.area / (large.area + small.area) > 0.009);
  });

  test('the many small ones share a tile', () => {
    const many = Array.from({ length: 200 }, (_, i) => object(`${i}`, 10));
    const tiles = tilesOf([...many, object('empty', 0, 'pending')]);
    assert.equal(tiles.length, 151);
    assert.deepEqual([tiles[150].label, tiles[150].size], ['50 smaller objects', 500]);
  });
});

describe('the room that objects take of the store map', () => {
  test('grows with what they fill, from a corner to the whole', () => {
    const capacity = 4_000_000_000;
    const shares = [6, 1000, 1_000_000, 100_000_000, 1_000_000_000, capacity].map(bytes => roomFor(bytes, capacity));
    assert.deepEqual(
      shares,
      [...shares].sort((a, b) => a - b)
    );
    assert.ok(shares[0] < 0.01, `six bytes take ${shares[0]}`);
    assert.ok(shares[3] > 0.3 && shares[3] < 0.5 && shares[5] === 1);
    assert.equal(roomFor(2 * capacity, capacity), 1);
    assert.equal(roomFor(0, capacity), 0);
  });

  test('is small for small objects without a store too', () => {
    assert.ok(roomFor(6, 0) < 0.02);
  });
});

describe('the scale at which a picture fits', () => {
  test('a chain of 27 tasks can not be read in a cell, a map of 27 can', () => {
    const space = { width: 900, height: 420 };
    const scale = (tasks: readonly INewTask[]): number => {
      const model = told(message({ names: ['a'] }, tasks));
      return fullScale(
        space,
        arrangeToFit(model.tasks, clustersOf(model), space, () => 5)
      );
    };
    assert.ok(scale(Array.from({ length: 27 }, (_, i) => ({ func: 0, deps: i ? [i - 1] : [] }))) < 0.6);
    assert.ok(scale(Array.from({ length: 27 }, () => ({ func: 0 }))) >= 0.6);
  });
});
