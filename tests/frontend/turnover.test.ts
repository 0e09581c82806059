/** Tasks that leave the list: the others keep their numbers, and all that is known of them; counts stay true. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Flows } from '../../labextension/src/views/graph/flows';
import { Chosen } from '../../labextension/src/views/model/chosen';
import { Filter } from '../../labextension/src/views/model/filter';
import { Model } from '../../labextension/src/views/model/model';
import { TaskState } from '../../labextension/src/views/model/states';
import type { AttemptTuple, GroupRow, IFeedHeader } from '../../labextension/src/views/model/wire';
import type { IChange, INewTask } from './message';
import { message } from './message';
import { numbers } from './play';
import { told, Traveller } from './told';

const LEFT = 5;

function groupRow(done: number): GroupRow {
  return [0, 0, 0, 0, done, 0, 0];
}

/** Ten tasks, each of which takes the result of the one before; the fourth has failed. */
function ten(header: Partial<IFeedHeader> = {}): [IFeedHeader, DataView] {
  const tasks = Array.from({ length: 10 }, (_, i): INewTask => ({ func: i % 2, deps: i > 0 ? [i - 1] : [] }));
  const changes = tasks.map((_, id): IChange => ({
    id,
    state: id === 3 ? TaskState.failed : TaskState.done,
    worker: 0
  }));
  const attempts: AttemptTuple[] = [
    [1, 0, 0, 1000, 1001, TaskState.failed, 'first'],
    [8, 0, 0, 1000, 1001, TaskState.failed, 'second']
  ];
  const names = ['f', 'g'];
  const workers = [{ id: 'w0', pid: 1, label: 'w 0' }];
  return message({ names, workers, errors: { 3: 'no' }, attempts, ...header }, tasks, changes);
}

const LEAVE = { kind: 'delta', seq: 1, limits: { tasks_listed: 7, tasks_total: 12 } } as const;

/** The first five but the failed one leave, and two come. */
function leave(): [IFeedHeader, DataView] {
  return message(
    { ...LEAVE },
    [
      { func: 0, number: 10, deps: [2, 9] },
      { func: 1, number: 11, parent: 3 }
    ],
    [],
    [0, 1, 2, 4]
  );
}

describe('a list that tasks have left', () => {
  const model = told(ten(), leave());
  const { tasks } = model;

  test('has the others at other places, under their numbers', () => {
    assert.deepEqual([...tasks.number.slice(0, tasks.length)], [3, 5, 6, 7, 8, 9, 10, 11]);
    assert.deepEqual(
      [3, 9, 4, 12, -1].map(number => tasks.find(number)),
      [0, 5, -1, -1, -1]
    );
    assert.equal(model.titleOf(5), 'g #9');
    assert.ok(!tasks.isWhole && told(ten()).tasks.isWhole);
  });

  test('knows what they take and who has submitted them, as far as that is listed', () => {
    assert.deepEqual([...tasks.depsOf(0)], [-1]);
    assert.deepEqual([...tasks.depsOf(2)], [1]);
    assert.deepEqual([...tasks.depsOf(6)], [-1, 5]);
    assert.deepEqual([...tasks.parent.slice(0, tasks.length)], [-1, -1, -1, -1, -1, -1, -1, 0]);
  });

  test('has members, counts, errors and attempts of those that are there', () => {
    assert.deepEqual(model.members, [
      [2, 4, 6],
      [0, 1, 3, 5, 7]
    ]);
    assert.deepEqual(model.listedCounts, [
      [1, 0, 0, 2, 0, 0],
      [1, 0, 0, 3, 1, 0]
    ]);
    assert.deepEqual([...model.errors], [[0, 'no']]);
    assert.deepEqual([...model.attempts.keys()], [4]);
    assert.deepEqual(
      model.attempts.get(4)!.map(each => [each.task, each.reason]),
      [[4, 'second']]
    );
    assert.equal(model.unlisted, 4);
  });

  test('is made anew for pictures, which learn it from the epoch', () => {
    const before = told(ten());
    const { epoch, spansVersion } = before;
    before.apply(...leave());
    assert.ok(before.epoch > epoch && before.spansVersion > spansVersion);
  });

  test("takes changes and departures of tasks that are not there for nobody's, and others for a gap", () => {
    const other = told(ten(), leave());
    const change = (id: number): IChange[] => [{ id, state: TaskState.failed }];
    assert.equal(other.apply(...message({ kind: 'delta', seq: 2 }, [], change(4), [0, 4])), 'applied');
    assert.deepEqual(other.listedCounts, model.listedCounts);
    assert.equal(other.apply(...message({ kind: 'delta', seq: 3 }, [], change(12))), 'gap');
    const low = told(ten(), leave());
    assert.equal(low.apply(...message({ kind: 'delta', seq: 2 }, [{ func: 0, number: 11 }])), 'gap');
  });

  test('is the same when a snapshot tells it, with gaps in the numbers', () => {
    const other = told(ten());
    const { epoch } = other;
    const numbers = [3, 5, 6, 7, 8, 9];
    const rows = numbers.map((number): INewTask => ({ func: number % 2, number, deps: [number - 1] }));
    const states = numbers.map((id): IChange => ({
      id,
      state: id === 3 ? TaskState.failed : TaskState.done,
      worker: 0
    }));
    other.apply(...message({ names: ['f', 'g'], errors: { 3: 'no' } }, rows, states));
    assert.ok(other.epoch > epoch, 'places may be other ones');
    other.apply(
      ...message(LEAVE, [
        { func: 0, number: 10, deps: [2, 9] },
        { func: 1, number: 11, parent: 3 }
      ])
    );
    assert.deepEqual(other.members, model.members);
    assert.deepEqual(other.listedCounts, model.listedCounts);
    assert.deepEqual([...other.errors], [...model.errors]);
    for (let task = 0; task < tasks.length; task++) {
      assert.deepEqual([...other.tasks.depsOf(task)], [...tasks.depsOf(task)]);
    }
  });

  test('does not grow, however many tasks come and go', () => {
    const other = told(ten());
    for (let seq = 1; seq <= 1000; seq++) {
      const first = 10 * seq;
      const rows = Array.from({ length: 10 }, (_, i): INewTask => ({
        func: 0,
        number: first + i,
        deps: [first + i - 1]
      }));
      const gone = Array.from({ length: 10 }, (_, i) => first - 10 + i);
      const done = rows.map((_, i): IChange => ({ id: first + i, state: TaskState.done, worker: 0 }));
      assert.equal(other.apply(...message({ kind: 'delta', seq }, rows, done, gone)), 'applied');
    }
    assert.equal(other.tasks.length, 10);
    assert.ok(other.tasks.number.length <= 512 && other.tasks.edges === 10);
    assert.ok(other.errors.size === 0 && other.attempts.size === 0 && other.members.flat().length === 10);
  });
});

describe('a list that tasks join and leave at random', () => {
  for (const seed of [1, 2, 3]) {
    test(`has what was told of those that are there (seed ${seed})`, () => {
      const draw = numbers(seed);
      const model = new Model();
      const known = new Map<number, { func: number; deps: number[]; parent: number; state: number }>();
      const listed = (number: number): number => [...known.keys()].indexOf(number);
      let next = 0;
      for (let seq = 0; seq < 80; seq++) {
        const gone = [...known.keys()].filter(() => draw(6) === 0);
        gone.forEach(number => known.delete(number));
        const added: INewTask[] = [];
        for (let i = draw(6); i > 0; i--) {
          next += 1 + (draw(8) === 0 ? draw(5) : 0); // some leave before they are told of
          const deps = Array.from({ length: draw(3) }, () => draw(next));
          const task = { func: draw(3), deps, parent: draw(next + 1) - 1 };
          added.push({ number: next, ...task });
          known.set(next, { ...task, state: TaskState.waiting });
        }
        const changes = [...known.keys()].filter(() => draw(3) === 0).map(id => ({ id, state: draw(6) }));
        changes.forEach(({ id, state }) => (known.get(id)!.state = state));
        const kind = seq === 0 ? 'snapshot' : 'delta';
        assert.equal(model.apply(...message({ kind, seq }, added, changes, gone)), 'applied');
        const { tasks } = model;
        assert.deepEqual([...tasks.number.slice(0, tasks.length)], [...known.keys()]);
        [...known.values()].forEach(({ func, deps, parent, state }, task) => {
          assert.deepEqual([tasks.func[task], tasks.parent[task], tasks.state[task]], [func, listed(parent), state]);
          assert.deepEqual([...tasks.depsOf(task)], deps.map(listed));
          assert.ok(model.members[func].includes(task));
        });
        assert.equal(model.members.flat().length, tasks.length);
        const states = [...tasks.state.slice(0, tasks.length)];
        const counts = [0, 1, 2, 3, 4, 5].map(state => states.filter(each => each === state).length);
        assert.deepEqual(
          counts.map((_, state) => model.listedCounts.reduce((sum, own) => sum + own[state], 0)),
          counts
        );
      }
      assert.ok(next > 100 && model.tasks.length > 5);
    });
  }
});

describe('what is made of a list stays true when tasks leave it', () => {
  test('the task that somebody has chosen', () => {
    const model = told(ten());
    const [stays, goes] = [new Chosen(), new Chosen()];
    stays.choose(model, 8);
    goes.choose(model, 4);
    model.apply(...leave());
    assert.deepEqual(
      [stays, goes].map(each => each.follow(model)),
      [4, -1]
    );
    assert.equal(goes.number, 4);
    model.apply(...message({ session: 's2' }, [{ func: 0 }]));
    assert.equal(stays.follow(model), -1);
  });

  test('the flows, which count also what has left', () => {
    const model = told(ten());
    const flows = new Flows();
    flows.sync(model, new Filter());
    model.apply(...leave());
    flows.sync(model, new Filter());
    const counts = flows.between().map(({ from, to, count, call }) => [from, to, count, call]);
    assert.deepEqual(counts, [
      [0, 1, 5, false],
      [1, 0, 5, false]
    ]);
    assert.equal(flows.within(1)?.count, 1, 'the one that 3 has submitted');
  });

  test('how many tasks there were when', () => {
    const traveller = new Traveller();
    const { travel } = traveller;
    const rows = Array.from({ length: 10 }, (_, i): INewTask => ({ func: 0, created: 1000 + i }));
    const times = (id: number): Partial<IChange> => ({ start: 1000.25 + id, end: 1000.5 + id });
    const done = rows.map((_, id): IChange => ({ id, state: TaskState.done, worker: 0, ...times(id) }));
    const limits = { tasks_listed: 10, tasks_total: 10 };
    traveller.tell(...message({ time: 1010, names: ['f'], groups: [groupRow(10)], limits }, rows, done));
    const at = (time: number): number[] => {
      const model = traveller.at(time);
      return [...model.totals(), model.tasksTotal];
    };
    const moments = Array.from({ length: 44 }, (_, i) => 999 + i / 4);
    const before = moments.map(at);
    const isBusy = (time: number): boolean => travel.busy(1020).some(([from, to]) => from <= time && time <= to);
    const [work, rest] = [0.1, 0.7].map(part => rows.map((_, i) => 1000 + i + part));
    assert.ok(work.every(isBusy) && !rest.some(isBusy));
    travel.goTo(1003);
    const first = Array.from({ length: LEFT }, (_, i) => i);
    const delta = { kind: 'delta', time: 1011, limits: { tasks_listed: 6, tasks_total: 11 } } as const;
    traveller.tell(
      ...message(
        { ...delta, seq: 1, groups: [[0, 0, 1, 0, 10, 0, 0]] },
        [{ func: 0, number: 10, created: 1011 }],
        [{ id: 10, state: TaskState.ready }],
        first
      )
    );
    assert.ok(travel.model?.past, 'nobody is sent back to now');
    assert.equal(travel.model.tasks.length, 0, 'those of that time have left the list');
    assert.deepEqual(moments.map(at), before);
    assert.deepEqual(at(1011), [0, 1, 0, 10, 0, 0, 11]);
    traveller.tell(
      ...message(
        { ...delta, seq: 2, time: 1012, groups: [groupRow(11)] },
        [],
        [{ id: 10, state: TaskState.done, end: 1012 }],
        [5]
      )
    );
    assert.deepEqual(moments.map(at), before);
    assert.deepEqual(at(1011), [0, 1, 0, 10, 0, 0, 11]);
    assert.deepEqual(at(1012), [0, 0, 0, 11, 0, 0, 11]);
    assert.ok(work.every(isBusy) && !rest.some(isBusy), 'what went on is no rest now');
    assert.ok(isBusy(1011.5) && !isBusy(1012.5));
  });
});
