/** How fast work begins: what the model keeps, what the bar says, and why it can not. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Model } from '../../labextension/src/views/model/model';
import { backlogOf, describeTempo, placeOf, whyNot } from '../../labextension/src/views/controls/tempo-bar';
import { FREE, type ITempo } from '../../labextension/src/views/model/wire';
import { message } from './message';

const NOTHING = { ready: 0, pending: 0 };

describe('the tempo', () => {
  test('is free until the kernel says otherwise, and again when it says so', () => {
    const model = new Model();
    model.apply(...message({ names: ['f'] }, []));
    assert.deepEqual(model.tempo, FREE);
    model.apply(...message({ kind: 'delta', seq: 1, tempo: { mode: 'paused', waiting: 2 } }, []));
    assert.deepEqual(model.tempo, { ...FREE, mode: 'paused', waiting: 2 });
    model.apply(...message({ kind: 'delta', seq: 2 }, []));
    assert.equal(model.tempo.mode, 'paused');
    model.apply(...message({ kind: 'delta', seq: 3, tempo: {} }, []));
    assert.deepEqual(model.tempo, FREE);
  });

  test('is forgotten with a snapshot that does not tell of it', () => {
    const model = new Model();
    model.apply(...message({ tempo: { mode: 'slow', interval_s: 1 } }, []));
    assert.equal(model.tempo.mode, 'slow');
    model.apply(...message({}, []));
    assert.deepEqual(model.tempo, FREE);
  });

  test('is told in words', () => {
    const paused: ITempo = { ...FREE, mode: 'paused', waiting: 2 };
    assert.equal(describeTempo(FREE, NOTHING), '');
    assert.equal(describeTempo(paused, { ready: 6, pending: 0 }), 'paused · 6 tasks ready, none begun');
    assert.equal(describeTempo({ ...paused, begun: 1 }, { ready: 1, pending: 0 }), 'paused · 1 task ready, 1 begun');
    assert.equal(
      describeTempo(paused, { ready: 0, pending: 1 }),
      'paused · no tasks ready, 1 actor pending, none begun'
    );
    assert.match(describeTempo({ ...paused, steps: 2 }, NOTHING), /none begun, the next 2 will begin$/);
    assert.equal(
      describeTempo({ ...paused, mode: 'seeded', seed: 7 }, NOTHING),
      'order of seed 7 · no tasks ready, none begun'
    );
    assert.match(describeTempo({ ...FREE, mode: 'slow', begun: 4 }, NOTHING), /4 begun$/);
  });

  test('speaks of tasks, not of the queues that they are in', () => {
    const model = new Model();
    const actors = ['pending', 'alive'].map(state => ({
      ...{ id: state, class: 'A', name: null, state, pid: null, pending: 0, done: 0 },
      ...{ current: null, restarts: 0, cause: null, cell: 0, node: null }
    }));
    model.apply(
      ...message(
        {
          names: ['f', 'g'],
          groups: [
            [0, 1, 4, 1, 9, 0, 0],
            [1, 0, 2, 0, 0, 0, 0]
          ],
          actors
        },
        []
      )
    );
    assert.deepEqual(backlogOf(model), { ready: 6, pending: 1 });
  });

  test('can not be set without a cluster, and on the inline engine only to slow', () => {
    assert.equal(whyNot('pause', 'local', true), '');
    assert.match(whyNot('pause', 'local', false), /No cluster/);
    assert.match(whyNot('step', 'inline', true), /inline engine/);
    assert.equal(whyNot('slow', 'inline', true), '');
  });

  test('has a place on the slider', () => {
    assert.equal(placeOf(0), 0);
    assert.equal(placeOf(0.05), 1);
    assert.equal(placeOf(0.3), placeOf(0.5));
    assert.equal(placeOf(3600), 7);
  });
});
