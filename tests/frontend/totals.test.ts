/** Totals of a past moment, where rows have left a full list: played beside somebody who knows all. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Departed } from '../../labextension/src/views/model/departed';
import { NO_ATTEMPTS } from '../../labextension/src/views/model/attempts';
import { TASK_STATES, TaskState } from '../../labextension/src/views/model/states';
import type { GroupRow, IFeedHeader } from '../../labextension/src/views/model/wire';
import type { IChange, INewTask } from './message';
import { message } from './message';
import { numbers } from './play';
import { told, Traveller } from './told';

const { ready, running, done, failed, cancelled } = TaskState;

const FUNCTIONS = 3;

const LISTED_MAX = 12;

interface ITask {
  /** -1 of one that never had a row. */
  readonly number: number;
  readonly func: number;
  readonly created: number;
  start: number;
  end: number;
  /** How it ended. */
  outcome: number;
}

type Counts = number[][];

function stateAt(task: ITask, time: number): number {
  if (task.created > time) {
    return -1;
  }
  if (task.end > 0 && task.end <= time) {
    return task.outcome;
  }
  return task.start > 0 && task.start <= time ? running : ready;
}

function countAt(tasks: Iterable<ITask>, time: number): Counts {
  const counts = Array.from({ length: FUNCTIONS }, () => TASK_STATES.map(() => 0));
  for (const task of tasks) {
    const state = stateAt(task, time);
    if (state >= 0) {
      counts[task.func][state] += 1;
    }
  }
  return counts;
}

/** A cluster whose list is short. */
class World {
  time = 1000;
  readonly all: ITask[] = [];
  listed: ITask[] = [];
  readonly views: View[] = [];
  private _next = 0;

  constructor(private readonly _draw: (below: number) => number) {}

  step(): void {
    const { _draw: draw } = this;
    this.time += 1;
    for (const task of this.all.filter(each => each.end === 0)) {
      if (task.start > 0 ? draw(2) : draw(9) === 0) {
        Object.assign(task, {
          end: this.time,
          outcome: task.start > 0 && draw(5) ? done : [failed, cancelled][draw(2)]
        });
      } else if (task.start === 0 && draw(2)) {
        task.start = this.time;
      }
    }
    const flood = this.time % 40 < 12;
    for (let i = flood ? draw(9) : draw(2); i > 0; i--) {
      const room = this.listed.length < LISTED_MAX || (draw(3) === 0 && this._makeRoom());
      const func = flood ? 0 : 1 + draw(2);
      const task = { number: room ? this._next++ : -1, func, created: this.time, start: 0, end: 0, outcome: 0 };
      this.all.push(task);
      if (room) {
        this.listed.push(task);
      }
    }
  }

  private _makeRoom(): boolean {
    const going = this.listed.filter(task => task.end > 0).slice(0, 4);
    this.listed = this.listed.filter(task => !going.includes(task));
    return going.length > 0;
  }
}

/** One who looks, from some time on. */
class View extends Traveller {
  readonly toldAt: number[] = [];
  /** Whose row it was told of. */
  readonly known = new Set<ITask>();
  private _listed: readonly ITask[] = [];

  constructor(private readonly _world: World) {
    super();
  }

  look(): void {
    const { time, listed, all } = this._world;
    const added = listed.filter(task => !this._listed.includes(task));
    const gone = this._listed.filter(task => !listed.includes(task));
    added.forEach(task => this.known.add(task));
    const rows = added.map(({ number, func, created }): INewTask => ({ number, func, created }));
    const changes = [...gone, ...listed].map((task): IChange => {
      const { number: id, start, end } = task;
      return { id, state: stateAt(task, time), worker: start > 0 ? 0 : -1, start, end };
    });
    const seq = this.toldAt.length;
    const names = seq === 0 ? { names: ['f', 'g', 'h'] } : {};
    const groups = countAt(all, time).map((counts, func) => [func, ...counts] as unknown as GroupRow);
    const limits = { tasks_listed: listed.length, tasks_total: all.length };
    const header: Partial<IFeedHeader> = {
      kind: seq === 0 ? 'snapshot' : 'delta',
      seq,
      time,
      groups,
      limits,
      ...names
    };
    const news = message(
      header,
      rows,
      changes,
      gone.map(({ number }) => number)
    );
    this.tell(...news);
    this.toldAt.push(time);
    this._listed = [...listed];
  }
}

function plus(some: Counts, others: Counts): Counts {
  return some.map((counts, func) => counts.map((count, state) => count + others[func][state]));
}

/** A world of some seconds, and three who look: from the start, from within, and from the end on. */
function played(seed: number): World {
  const draw = numbers(seed);
  const world = new World(draw);
  const open = [0, 37, 100].map(from => [from, new View(world)] as const);
  for (let i = 0; i <= 100; i++) {
    world.step();
    for (const [from, view] of open) {
      if (i === from || i === 100 || (i > from && draw(3) === 0)) {
        view.look();
      }
    }
  }
  world.views.push(...open.map(([, view]) => view));
  return world;
}

describe('totals of a past moment, with tasks that have left the list', () => {
  for (const seed of [1, 2, 3, 31, 37, 53]) {
    const { all, views } = played(seed);

    test(`are at each message what they were (seed ${seed})`, () => {
      assert.ok(all.length > 4 * LISTED_MAX && views[0].known.size > 2 * LISTED_MAX);
      for (const view of views) {
        for (const time of view.toldAt) {
          assert.deepEqual(view.at(time).counts, countAt(all, time), `${time}`);
        }
      }
    });

    test(`are between two what rows tell, and others as one of the two told (seed ${seed})`, () => {
      for (const view of views) {
        const others = all.filter(task => !view.known.has(task));
        for (let time = view.toldAt[0] + 0.5; time < 1101; time += 1) {
          const { counts } = view.at(time);
          const now = countAt(view.known, time);
          const before = plus(now, countAt(others, Math.max(...view.toldAt.filter(each => each <= time))));
          const after = plus(now, countAt(others, Math.min(...view.toldAt.filter(each => each > time))));
          counts.forEach((own, func) => {
            const either = [before[func], after[func]].map(each => each.join());
            assert.ok(either.includes(own.join()), `${time}: ${func} ${own.join()}, not ${either.join(' or ')}`);
          });
        }
      }
    });

    test(`have before the view was opened what rows tell, and others as they stood then (seed ${seed})`, () => {
      for (const view of views) {
        const [first] = view.toldAt;
        const others = countAt(
          all.filter(task => !view.known.has(task)),
          first
        );
        for (let time = 1000.5; time < first; time += 1) {
          const model = view.at(time);
          assert.deepEqual(model.counts, plus(others, countAt(view.known, time)), `${time} of ${first}`);
          assert.equal(model.unlisted, model.tasksTotal - model.tasks.length);
        }
      }
    });
  }

  test('have no task in a state in which it no longer was, though nobody has told how it ended', () => {
    const traveller = new Traveller();
    const limits = { tasks_listed: 1, tasks_total: 1 };
    const going: IChange = { id: 0, state: running, worker: 0, start: 1001 };
    traveller.tell(
      ...message({ time: 1001, names: ['f', 'g'], groups: [[0, 0, 0, 1, 0, 0, 0]], limits }, [{ func: 0 }], [going])
    );
    const groups: GroupRow[] = [
      [0, 0, 0, 0, 0, 0, 1],
      [1, 0, 0, 0, 1, 0, 0]
    ];
    const next = { kind: 'delta', seq: 1, time: 1003, groups, limits: { tasks_listed: 1, tasks_total: 2 } } as const;
    const ended: IChange = { id: 1, state: done, worker: 0, start: 1002, end: 1002.5 };
    traveller.tell(...message(next, [{ func: 1, number: 1, created: 1002 }], [ended], [0]));
    assert.deepEqual(traveller.at(1002).totals(), [0, 0, 2, 0, 0, 0]);
    assert.deepEqual(traveller.at(1003).totals(), [0, 0, 0, 1, 0, 1]);
  });

  test('tell of a function that came and left between two messages, once a later one is there', () => {
    const traveller = new Traveller();
    traveller.tell(...message({ time: 1000 }));
    const groups: GroupRow[] = [
      [0, 0, 0, 0, 0, 0, 6],
      [1, 0, 0, 0, 90, 0, 0]
    ];
    const limits = { tasks_listed: 1, tasks_total: 96 };
    const ended: IChange = { id: 50, state: done, worker: 0, start: 1004, end: 1004.5 };
    const header: Partial<IFeedHeader> = { kind: 'delta', seq: 1, time: 1005, names: ['f', 'g'], groups, limits };
    traveller.tell(...message(header, [{ func: 1, number: 50, created: 1003 }], [ended]));
    assert.deepEqual(traveller.at(1002).totals(), [0, 0, 0, 0, 0, 0]);
    assert.deepEqual(traveller.at(1004.6).totals(), [0, 0, 0, 90, 0, 6]);
  });
});

describe('tasks that have left a list', () => {
  test('take a bounded room, and stay true at rest and at the end', () => {
    const departed = new Departed(200);
    const rows = Array.from({ length: 500 }, (_, i): INewTask => ({ func: i % 2, created: 1000 + 0.01 * i }));
    const changes = rows.map(({ created }, id): IChange => ({
      id,
      state: id === 499 ? failed : done,
      start: created! + 0.002,
      end: created! + 0.004
    }));
    const live = told(message({ names: ['f', 'g'] }, rows, changes));
    departed.add(live.tasks, NO_ATTEMPTS, rows.keys(), 1010);
    const at = (time: number): Counts => {
      const counts = [0, 1].map(() => TASK_STATES.map(() => 0));
      departed.addTo(counts, time);
      return counts;
    };
    assert.ok(departed.size <= 200, `${departed.size}`);
    assert.deepEqual(at(999), [
      [0, 0, 0, 0, 0, 0],
      [0, 0, 0, 0, 0, 0]
    ]);
    assert.deepEqual(at(1005), [
      [0, 0, 0, 250, 0, 0],
      [0, 0, 0, 249, 1, 0]
    ]);
    const half = at(1002.5).flat();
    assert.ok(Math.abs(half.reduce((all, count) => all + count, 0) - 250) <= 10, `${half.join()}`);
    assert.ok(half.every(count => count >= 0));
    assert.ok(departed.busy().length < 600);
  });
});
