/** The events of a run: what is one, which are marked together, and how one goes from mark to mark. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { IRunEvent } from '../../labextension/src/views/model/events';
import { eventsOf, markFrom, marksOf } from '../../labextension/src/views/model/events';
import { TaskState } from '../../labextension/src/views/model/states';
import { TimeScale } from '../../labextension/src/views/model/time-scale';
import type { IActorRow, INodeRow, ObjectTuple } from '../../labextension/src/views/model/wire';
import { numbers, Play } from './play';

function played(): Play {
  const play = new Play(numbers(1));
  play.time = 1000;
  return play;
}

function eventsIn(play: Play): string[] {
  return eventsOf(play.live, play.journal.rows()).map(event => `${event.time} ${event.kind} ${event.text}`);
}

const actor = (state: string, cause: string | null = null): IActorRow =>
  ({ id: 'a', class: 'Counter', name: null, state, cause }) as unknown as IActorRow;
const node = (alive: boolean, reason?: string): INodeRow =>
  ({ id: 'n', label: 'node 7', alive, reason }) as unknown as INodeRow;

describe('events of a run', () => {
  test('are failures, with what was raised', () => {
    const play = played();
    const change = { id: 1, state: TaskState.failed, worker: 0, start: 1001, end: 1002 };
    play.tell({ errors: { '1': 'ValueError: no rows' } }, [{ func: 0 }, { func: 1 }], [change]);
    assert.deepEqual(eventsIn(play), ['1002 failed g #1 failed: ValueError: no rows']);
  });

  test('are attempts that failed; not those whose result was lost', () => {
    const play = played();
    play.tell(
      {
        attempts: [
          [0, 0, 0, 1001, 1002, TaskState.failed, 'its worker died'],
          [0, 1, 0, 1003, 1004, TaskState.done, '']
        ]
      },
      [{ func: 0 }]
    );
    assert.deepEqual(eventsIn(play), ['1002 again f #0 is tried again: its worker died']);
  });

  test('are spills', () => {
    const play = played();
    play.tell({ spans: [['spill', 'p', 1001, 1003, 3_000_000, '']] });
    play.tell({ spans: [['restore', 'p', 1004, 1005, 3_000_000, '']] });
    assert.deepEqual(eventsIn(play), ['1003 spilled 3 MB spilled to disk']);
  });

  test('are deaths and restarts, each told once', () => {
    const play = played();
    const told: [number, Partial<Parameters<Play['tell']>[0]>][] = [
      [1001, { actors: [actor('alive')], nodes: [node(true)] }],
      [1002, { actors: [actor('restarting', 'it was killed')] }],
      [1003, { actors: [actor('restarting', 'it was killed')] }],
      [1004, { actors: [actor('alive', 'it was killed')], nodes: [node(false, '(pid 9) has ended')] }],
      [1005, { actors: [actor('dead', 'it was killed again')] }],
      [1006, { actors: [actor('dead', 'it was killed again')], nodes: [node(false, '(pid 9) has ended')] }]
    ];
    for (const [time, header] of told) {
      play.time = time;
      play.tell(header);
    }
    assert.deepEqual(eventsIn(play), [
      '1002 again Counter is restarted: it was killed',
      '1004 died node 7 died: its process (pid 9) has ended',
      '1005 died Counter died: it was killed again'
    ]);
  });

  test('are no ends that were planned', () => {
    for (const cause of ['the session ended', 'all handles to it went out of scope']) {
      const play = played();
      play.tell({ actors: [actor('alive')], nodes: [node(true)] });
      play.tell({ actors: [actor('dead', cause)], nodes: [node(false)] });
      assert.deepEqual(eventsIn(play), []);
    }
  });

  test('are losses of objects', () => {
    const play = played();
    const object = (state: string): ObjectTuple => ['o', 9, state, 'f', 1, 0, 'n'];
    const totals = { gone: [], count: 1, memory_bytes: 0, store_used_bytes: 9, store_capacity_bytes: 90 };
    for (const state of ['store', 'lost', 'reconstructing', 'store']) {
      play.time += 1;
      play.tell({ objects: { rows: [object(state)], ...totals } });
    }
    assert.deepEqual(eventsIn(play), [
      '1002 lost an object of f was lost',
      '1003 again an object of f was lost, and is made again'
    ]);
  });
});

describe('marks of events', () => {
  const event = (time: number, kind: IRunEvent['kind'] = 'failed'): IRunEvent => ({
    time,
    kind,
    text: `${kind} ${time}`
  });
  const scale = new TimeScale([[1000, 1100]], 1000, 1100);

  test('are one where events can not be told apart: the gravest, when all have happened', () => {
    const marks = marksOf([event(1010), event(1010.1, 'spilled'), event(1010.2, 'died'), event(1050)], scale);
    assert.deepEqual(
      marks.map(({ time, kind, words }) => [time, kind, words]),
      [
        [1010.2, 'died', 'died 1010.2; failed 1010; spilled 1010.1'],
        [1050, 'failed', 'failed 1050']
      ]
    );
    assert.ok(Math.abs(marks[1].place - 0.5) < 1e-9);
  });

  test('tell two besides the gravest, and how many more there are', () => {
    const [mark] = marksOf([event(1010), event(1010.1, 'died'), event(1010.2), event(1010.3), event(1010.4)], scale);
    assert.equal(mark.words, 'died 1010.1; failed 1010; failed 1010.2; and 2 other events at that time');
  });

  test('are gone through one after the other, from any time, both ways', () => {
    const marks = marksOf([event(1010), event(1020), event(1050)], scale);
    const way = (at: number | null, forward: boolean): number[] => {
      const seen: number[] = [];
      for (let mark = markFrom(marks, at, forward); mark; mark = markFrom(marks, mark.time, forward)) {
        seen.push(mark.time);
      }
      return seen;
    };
    assert.deepEqual(way(null, false), [1050, 1020, 1010]);
    assert.deepEqual(way(1000, true), [1010, 1020, 1050]);
    assert.deepEqual(way(1015, true), [1020, 1050]);
    assert.equal(markFrom(marks, null, true), null, 'nothing comes after now');
  });
});

test('rests between bursts of work are known with their length; before and after there is none', () => {
  const scale = new TimeScale(
    [
      [1001, 1002],
      [1002.1, 1003],
      [1063, 1064]
    ],
    1000,
    1100
  );
  const rests = scale.rests();
  assert.deepEqual(
    rests.map(rest => rest.seconds),
    [60]
  );
  assert.ok(Math.abs(scale.timeAt(rests[0].from) - 1003) < 1e-6 && Math.abs(scale.timeAt(rests[0].to) - 1063) < 1e-6);
});
