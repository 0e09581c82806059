/** How fast work begins: what the model keeps, what the bar says, and why it can not. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Model } from '../../labextension/src/views/model/model';
import { describeTempo, placeOf, whyNot } from '../../labextension/src/views/controls/tempo-bar';
import { FREE } from '../../labextension/src/views/model/wire';
import { message } from './message';

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
    assert.equal(describeTempo(FREE), '');
    assert.equal(describeTempo({ ...FREE, mode: 'paused', waiting: 1 }), 'paused · 1 queue waiting, 0 begun');
    assert.match(describeTempo({ ...FREE, mode: 'paused', steps: 2 }), /the next 2 will begin$/);
    assert.match(describeTempo({ ...FREE, mode: 'seeded', seed: 7 }), /^order of seed 7/);
    assert.match(describeTempo({ ...FREE, mode: 'slow', begun: 4 }), /4 begun$/);
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
