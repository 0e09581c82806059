/** The past: a model of any time is what the live model was then; the journal is bounded; a feed goes there and back. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { IMessage } from '../../labextension/src/channel';
import { readFrames, RecordedChannel } from '../../labextension/src/recording';
import { Feed } from '../../labextension/src/views/feed';
import { Flows } from '../../labextension/src/views/flows';
import { Filter } from '../../labextension/src/views/filter';
import { Journal } from '../../labextension/src/views/journal';
import { Model } from '../../labextension/src/views/model';
import { modelAt } from '../../labextension/src/views/past';
import { TaskState } from '../../labextension/src/views/states';
import { describeMoment, speedFor } from '../../labextension/src/views/time-bar';
import type { GroupRow, IActorRow, IFeedHeader, INodeRow, ObjectTuple } from '../../labextension/src/views/wire';
import type { IChange, INewTask } from './message';
import { message } from './message';

/** Numbers that look random and are the same in each run. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return below => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state >> 8) % below;
  };
}

/** A cluster that is played one event after the other, as its owner would tell of it. */
class Play {
  readonly live = new Model();
  readonly journal = new Journal();
  readonly messages: [IFeedHeader, DataView][] = [];
  time = 1000;
  private _seq = -1;
  private readonly _tasks: {
    func: number;
    deps: number[];
    state: number;
    worker: number;
    start: number;
    end: number;
  }[] = [];
  private readonly _actors = new Map<string, IActorRow>();

  constructor(private readonly _draw: (below: number) => number) {
    this.tell({ names: ['f', 'g', 'h'], workers: [0, 1, 2].map(n => ({ id: `w${n}`, pid: n, label: `w ${n}` })) });
  }

  tell(header: Partial<IFeedHeader>, tasks: readonly INewTask[] = [], changes: readonly IChange[] = []): void {
    this._seq += 1;
    const kind = this._seq === 0 ? 'snapshot' : 'delta';
    const told = message({ kind, seq: this._seq, time: this.time, ...header }, tasks, changes);
    this.messages.push(told);
    assert.equal(this.live.apply(...told), 'applied');
    this.journal.note(this.live);
  }

  step(): void {
    this.time += 0.25;
    const changes: IChange[] = [];
    const added: INewTask[] = [];
    const old = this._tasks.length;
    for (let i = this._draw(3); i > 0; i--) {
      const deps = old > 0 && this._draw(2) ? [old - 1 - this._draw(Math.min(old, 4))] : [];
      const func = this._draw(3);
      added.push({ func, deps, created: this.time });
      this._tasks.push({ func, deps, state: TaskState.waiting, worker: -1, start: 0, end: 0 });
    }
    this._tasks.forEach((task, id) => {
      const before = task.state;
      if (task.state === TaskState.running && this._draw(2)) {
        task.state = [TaskState.done, TaskState.done, TaskState.failed, TaskState.cancelled][this._draw(4)];
        task.end = this.time;
      } else if (task.state === TaskState.ready && this._draw(2)) {
        Object.assign(task, { state: TaskState.running, worker: this._draw(3), start: this.time });
      } else if (task.state === TaskState.waiting && id >= old && this._draw(12) === 0) {
        Object.assign(task, { state: TaskState.cancelled, end: this.time });
      }
      if (task.state !== before) {
        changes.push({ id, ...task });
      }
    });
    this._tasks.forEach((task, id) => {
      const there = task.deps.every(dep => this._tasks[dep].state >= TaskState.done);
      if (task.state === TaskState.waiting && there) {
        task.state = TaskState.ready;
        changes.push({ id, ...task });
      }
    });
    const rows: ObjectTuple[] = [[`o${this._draw(5)}`, 100 * this._draw(9), 'store', 'f', this._draw(3), 0, 'n']];
    const gone = [`o${5 + this._draw(3)}`];
    const groups = [0, 1, 2].map((func): GroupRow => {
      const own = this._tasks.filter(task => task.func === func);
      return [
        func,
        ...[0, 1, 2, 3, 4, 5].map(state => own.filter(task => task.state === state).length)
      ] as unknown as GroupRow;
    });
    this.tell({ ...this._others(), groups, objects: { rows, gone, ...this._totals() } }, added, changes);
  }

  private _totals(): { count: number; memory_bytes: number; store_used_bytes: number; store_capacity_bytes: number } {
    return { count: this._draw(9), memory_bytes: 1, store_used_bytes: this._draw(900), store_capacity_bytes: 1000 };
  }

  private _others(): Partial<IFeedHeader> {
    const id = `a${this._draw(2)}`;
    const actor = { id, state: ['alive', 'dead'][this._draw(2)], watched: { n: this._draw(50) } };
    this._actors.set(id, actor as unknown as IActorRow);
    const node = { id: 'n', alive: true, workers: this._draw(4) } as unknown as INodeRow;
    const tempo = this._draw(4) === 0 ? { tempo: { mode: 'paused' as const, begun: this._draw(9) } } : {};
    return { actors: [this._actors.get(id)!], nodes: [node], ...tempo };
  }
}

/** All that a view can see of a model, as one text. */
function seen(model: Model): string {
  const { tasks } = model;
  const columns = [tasks.state, tasks.worker, tasks.start, tasks.end].map(column => [...column.slice(0, tasks.length)]);
  const sorted = (map: ReadonlyMap<unknown, unknown>): unknown => [...map].sort();
  return JSON.stringify([
    ...[tasks.length, tasks.edges, columns, model.members, model.listedCounts, model.totals(), model.tasksTotal],
    ...[sorted(model.objects), model.objectTotals, sorted(model.actors), sorted(model.nodes), model.tempo],
    [...model.errors]
  ]);
}

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
      assert.ok(play.live.tasks.length > 20 && states.size === 6, `${play.live.tasks.length}, ${[...states]}`);
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
    assert.notEqual(past.version, play.live.version);
    assert.notEqual(past.version, modelAt(play.live, play.journal, 1002.5).version);
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

describe('a feed', () => {
  function recorded(): { feed: Feed; play: Play; channel: RecordedChannel } {
    const play = new Play(numbers(9));
    for (let i = 0; i < 20; i++) {
      play.step();
    }
    const channel = new RecordedChannel();
    const feed = new Feed(channel);
    return { play, feed, channel };
  }

  const frames = (play: Play): { message: IMessage; buffers: DataView[] }[] =>
    play.messages.map(([header, buffer]) => ({ message: header as unknown as IMessage, buffers: [buffer] }));

  test('of a recording shows its end, any time, and its end again', () => {
    const { feed, play, channel } = recorded();
    channel.play([...frames(play), { message: { kind: 'recorded', note: 'a gap' }, buffers: [] }]);
    assert.equal(feed.status, 'recorded');
    assert.equal(feed.note, 'a gap');
    assert.equal(feed.canAct, false);
    assert.deepEqual(feed.span(), [1000, 1005]);
    assert.equal(feed.now(), 1005);
    feed.goTo(1002);
    assert.equal(feed.status, 'past');
    assert.equal(feed.now(), 1002);
    assert.ok(feed.model.tasks.length < feed.live.tasks.length);
    feed.goTo(null);
    assert.equal(seen(feed.model), seen(play.live));
  });

  test('shows the past while it is told what happens, and comes back to now', () => {
    const { feed, play, channel } = recorded();
    const told = frames(play);
    channel.play(told.slice(0, 10));
    feed.goTo(1001);
    const then = seen(feed.model);
    channel.play(told.slice(10));
    assert.equal(seen(feed.model), then);
    assert.equal(feed.status, 'past');
    feed.goTo(null);
    assert.equal(feed.status, 'live');
    assert.equal(seen(feed.model), seen(play.live));
  });

  test('leaves the past of a session that is gone', () => {
    const { feed, play, channel } = recorded();
    channel.play(frames(play));
    feed.goTo(1001);
    const [header, buffer] = message({ session: 'another', time: 2000 });
    channel.play([{ message: header as unknown as IMessage, buffers: [buffer] }]);
    assert.equal(feed.at, null);
    assert.equal(feed.model.session, 'another');
  });
});

describe('a recording', () => {
  test('is read frame by frame', () => {
    const header = new TextEncoder().encode('{"kind":"delta"}');
    const data = new Uint8Array(2 * (8 + header.length) + 3);
    const lengths = new DataView(data.buffer);
    lengths.setUint32(0, header.length, true);
    data.set(header, 8);
    const second = 8 + header.length;
    lengths.setUint32(second, header.length, true);
    lengths.setUint32(second + 4, 3, true);
    data.set(header, second + 8);
    data.set([7, 8, 9], second + 8 + header.length);
    const frames = readFrames(data.buffer);
    assert.deepEqual(
      frames.map(frame => [frame.message.kind, frame.buffers.length]),
      [
        ['delta', 0],
        ['delta', 1]
      ]
    );
    assert.equal(frames[1].buffers[0].getUint8(2), 9);
    assert.throws(() => readFrames(data.buffer.slice(0, data.length - 12)));
  });
});

describe('the bar of time', () => {
  test('says where one is', () => {
    assert.equal(describeMoment(1002.5, 1000, 1010, true), '2.5 s of 10 s');
    assert.equal(describeMoment(null, 1000, 1010, true), '10 s of 10 s');
    assert.equal(describeMoment(1002.5, 1000, 1010, false), '7.5 s before now');
    assert.equal(describeMoment(null, 1000, 1010, false), 'now');
  });

  test('plays a long run fast and a short one slowly', () => {
    assert.equal(speedFor(0.3), 0.02);
    assert.equal(speedFor(20), 1);
    assert.equal(speedFor(3600), 200);
    assert.equal(speedFor(1e6), 500);
  });
});
