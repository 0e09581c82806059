/** How long a function's tasks took, and how a function that calls itself is told of. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { selfFlowWords } from '../../labextension/src/views/graph/self-flow';
import { durationOf, durationsOf } from '../../labextension/src/views/model/durations';
import { Model } from '../../labextension/src/views/model/model';
import { TaskState } from '../../labextension/src/views/model/states';
import { message } from './message';

describe('how long tasks took', () => {
  const model = new Model();
  const done = (id: number, seconds: number): { id: number; state: number; start: number; end: number } => ({
    id,
    state: TaskState.done,
    start: 1000 + id,
    end: 1000 + id + seconds
  });
  const changes = [done(0, 4), done(1, 1), done(2, 2), { id: 3, state: TaskState.running, start: 1001 }];
  model.apply(
    ...message(
      { names: ['f', 'g'] },
      [0, 0, 0, 0, 1].map(func => ({ func })),
      changes
    )
  );

  test('is known of those that have ended', () => {
    assert.deepEqual([durationOf(model, 0), durationOf(model, 3), durationOf(model, 4)], [4, null, null]);
    assert.deepEqual(durationsOf(model, 0), { slowest: [0, 2, 1], median: 2 });
    assert.deepEqual(durationsOf(model, 1), { slowest: [], median: null });
  });
});

describe('a function that calls itself', () => {
  test('is told of in words', () => {
    const flow = { from: 0, to: 0, count: 1, call: true };
    assert.equal(selfFlowWords(flow), 'calls itself 1 time');
    assert.equal(selfFlowWords({ ...flow, count: 1200, call: false }), 'takes its own results 1,200 times');
    assert.equal(selfFlowWords(undefined), '');
  });
});
