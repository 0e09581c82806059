/** The past: a model of any time is what the live model was then; the journal is bounded. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Flows } from '../../labextension/src/views/graph/flows';
import { Filter } from '../../labextension/src/views/model/filter';
import { Journal } from '../../labextension/src/views/model/journal';
import { Model } from '../../labextension/src/views/model/model';
import { modelAt } from '../../labextension/src/views/model/past';
import { TaskState } from '../../labextension/src/views/model/states';
import type { IActorRow, ObjectTuple, SpanTuple } from '../../labextension/src/views/model/wire';
import { message } from './message';
import { numbers, Play, seen } from './play';

describe('a model of the past', () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    test(`is at every time what the live model was then (seed ${seed})`, () => {
      const play = new Play(numbers(seed));
      const moments: [number, string][] = [];
      const states = new Set<number>();
      for (let i = 0; i < 60; i++) {
        play.step();
        moments.push([play.time, seen(play.live)]);
        play.live.totals().forEach((count, state) => count > 0 && states.add(state));
      }
      assert.ok(play.live.tasks.length > 20 && states.size === 6, `${play.live.tasks.length}, ${[...states].join()}`);
      for (const [time, then] of [...moments, ...[...moments].reverse()]) {
        assert.equal(seen(modelAt(play.live, play.journal, time)), then);
        assert.equal(seen(modelAt(play.live, play.journal, time + 0.2)), then);
      }
    });
  }

  test('knows watched fields only until then, and is no version of the live one', () => {
    const play = new Play(numbers(6));
    const row = (n: number): IActorRow => ({ id: 'a', state: 'alive', watched: { n } }) as unknown as IActorRow;
    for (const n of [1, 2, 3]) {
      play.time = 1000 + n;
      play.tell({ actors: [row(n)] });
    }
    const past = modelAt(play.live, play.journal, 1002.5);
    assert.deepEqual(
      past.histories.of('a', 'n').map(point => point.value),
      [1, 2]
    );
    const again = modelAt(play.live, play.journal, 1002.5);
    for (const name of ['version', 'spansVersion', 'objectsVersion'] as const) {
      assert.notEqual(past[name], play.live[name]);
      assert.notEqual(past[name], again[name]);
    }
  });

  test('has what took time and is no task as far as it had come', () => {
    const play = new Play(numbers(10));
    play.time = 1010;
    const span = (start: number, end: number): SpanTuple => ['spill', 'p', start, end, 1, ''];
    play.tell({ spans: [span(1001, 1002), span(1003, 1006), span(1007, 1008)] });
    assert.deepEqual(
      modelAt(play.live, play.journal, 1004).spans.map(({ start, end }) => [start, end]),
      [
        [1001, 1002],
        [1003, 1004]
      ]
    );
    assert.equal(play.live.spans[1].end, 1006);
  });

  test('has attempts that others have followed as they were, and what was done until its result was lost', () => {
    const play = new Play(numbers(11));
    play.tell({}, [
      { func: 0, created: 1000 },
      { func: 1, created: 1000, deps: [0] }
    ]);
    play.time = 1020;
    play.tell(
      {
        attempts: [
          [0, 1, 1, 1003, 1005, TaskState.done, ''],
          [0, 0, 0, 1001, 1002, TaskState.failed, 'its worker died']
        ]
      },
      [],
      [
        { id: 0, state: TaskState.done, worker: 2, start: 1008, end: 1010, attempt: 2 },
        { id: 1, state: TaskState.done, worker: 0, start: 1012, end: 1013 }
      ]
    );
    const told = (time: number): unknown[] => {
      const { tasks, attempts } = modelAt(play.live, play.journal, time);
      return [tasks.state[0], tasks.attempt[0], tasks.worker[0], tasks.state[1], attempts.get(0)?.length ?? 0];
    };
    const { waiting, ready, running, done } = TaskState;
    assert.deepEqual(told(1000.5), [ready, 0, -1, waiting, 0]);
    assert.deepEqual(told(1001.5), [running, 0, 0, waiting, 0]);
    assert.deepEqual(told(1002.5), [ready, 1, -1, waiting, 1]);
    assert.deepEqual(told(1004), [running, 1, 1, waiting, 1]);
    assert.deepEqual(told(1006), [done, 1, 1, ready, 2]);
    assert.deepEqual(told(1009), [running, 2, 2, ready, 2]);
    assert.deepEqual(told(1011), [done, 2, 2, ready, 2]);
  });

  test('is filtered like any other', () => {
    const play = new Play(numbers(7));
    for (let i = 0; i < 40; i++) {
      play.step();
    }
    const past = modelAt(play.live, play.journal, 1005);
    const part = past.only(task => past.tasks.func[task] === 0);
    assert.equal(part.tasksTotal, past.members[0].length);
    assert.ok(part.tasksTotal > 0 && part.tasksTotal < play.live.members[0].length);
  });

  test('has the flows of its time, going forth and back', () => {
    const play = new Play(numbers(8));
    for (let i = 0; i < 40; i++) {
      play.step();
    }
    const moved = new Flows();
    const show = (flows: Flows): string => JSON.stringify(flows.between());
    for (const time of [1010, 1002, 1006, 1001]) {
      const past = modelAt(play.live, play.journal, time);
      moved.sync(past, new Filter());
      const fresh = new Flows();
      fresh.sync(past, new Filter());
      assert.equal(show(moved), show(fresh));
    }
  });

  test('counts tasks that are not listed as they were told', () => {
    const live = new Model();
    const journal = new Journal();
    [5, 9].forEach((done, seq) => {
      const kind = seq === 0 ? 'snapshot' : 'delta';
      const limits = { tasks_listed: 0, tasks_total: done };
      live.apply(...message({ kind, seq, time: 1000 + seq, names: ['f'], groups: [[0, 0, 0, 0, done, 0, 0]], limits }));
      journal.note(live);
    });
    assert.equal(modelAt(live, journal, 1000.5).tasksTotal, 5);
    assert.equal(modelAt(live, journal, 1001).totals()[TaskState.done], 9);
  });
});

describe('a journal', () => {
  test('keeps a bounded number of changes, and says from when on', () => {
    const live = new Model();
    const journal = new Journal(50);
    assert.equal(journal.since, Infinity);
    const actor = (n: number): IActorRow => ({ id: `a${n % 3}`, pending: n }) as unknown as IActorRow;
    for (let seq = 0; seq < 500; seq++) {
      live.apply(...message({ kind: seq === 0 ? 'snapshot' : 'delta', seq, time: seq, actors: [actor(seq)] }));
      journal.note(live);
    }
    assert.ok(journal.since > 400 && journal.since < 490, `${journal.since}`);
    assert.equal(journal.at(495).actors.get('a0')!.pending, 495);
    assert.equal(journal.at(journal.since).actors.size, 3);
  });

  test('takes a snapshot of the same for no change', () => {
    const live = new Model();
    const journal = new Journal(20);
    const rows: ObjectTuple[] = [['o', 1, 'store', 'f', 1, 0, 'n']];
    const totals = { count: 1, memory_bytes: 0, store_used_bytes: 1, store_capacity_bytes: 9 };
    for (let time = 0; time < 100; time++) {
      live.apply(...message({ time, objects: { rows, gone: [], ...totals } }));
      journal.note(live);
    }
    assert.equal(journal.at(0).objects.size, 1);
  });

  test('starts anew with another session', () => {
    const live = new Model();
    const journal = new Journal();
    ['s1', 's2'].forEach((session, i) => {
      live.apply(...message({ session, time: 1000 + i }));
      journal.note(live);
    });
    assert.equal(journal.since, 1001);
  });
});
