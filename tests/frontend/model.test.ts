/** The model: snapshot, deltas, gaps, new sessions, and messages that break the format. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { actorCounts } from '../../labextension/src/views/model/actor-counts';
import { Model } from '../../labextension/src/views/model/model';
import { TaskState } from '../../labextension/src/views/model/states';
import { message } from './message';

function loaded(): Model {
  const model = new Model();
  const [header, buffer] = message(
    {
      names: ['load', 'parse'],
      cells: [
        { id: '', label: '' },
        { id: 'c1', label: 'In [3]' }
      ],
      workers: [{ id: 'w0', pid: 42, label: 'worker 0' }],
      groups: [
        [0, 0, 0, 1, 1, 0, 0],
        [1, 1, 0, 0, 0, 0, 0]
      ],
      limits: { tasks_listed: 3, tasks_total: 3 }
    },
    [{ func: 0 }, { func: 0 }, { func: 1, deps: [0, 1] }],
    [
      { id: 0, state: TaskState.done, worker: 0, start: 1000, end: 1001 },
      { id: 1, state: TaskState.running, worker: 0, start: 1001 }
    ]
  );
  assert.equal(model.apply(header, buffer), 'applied');
  return model;
}

describe('a snapshot', () => {
  test('fills every part', () => {
    const model = loaded();
    assert.deepEqual(model.names, ['load', 'parse']);
    assert.equal(model.tasks.length, 3);
    assert.deepEqual([...model.tasks.depsOf(2)], [0, 1]);
    assert.deepEqual([...model.tasks.depsOf(0)], []);
    assert.equal(model.tasks.edges, 2);
    assert.equal(model.tasks.state[0], TaskState.done);
    assert.equal(model.tasks.worker[2], -1);
    assert.equal(model.tasks.end[0], 1001);
    assert.deepEqual(model.totals(), [1, 0, 1, 1, 0, 0]);
    assert.deepEqual(model.members, [[0, 1], [2]]);
    assert.deepEqual(model.listedCounts[0], [0, 0, 1, 1, 0, 0]);
  });

  test('replaces what was known and keeps task numbers valid within a session', () => {
    const model = loaded();
    const epoch = model.epoch;
    const [header, buffer] = message(
      { names: ['load'], groups: [[0, 4, 0, 0, 0, 0, 0]] },
      Array.from({ length: 4 }, () => ({ func: 0 }))
    );
    assert.equal(model.apply(header, buffer), 'applied');
    assert.equal(model.epoch, epoch);
    assert.deepEqual(model.names, ['load']);
    assert.deepEqual(model.totals(), [4, 0, 0, 0, 0, 0]);
  });

  test('of another session makes task numbers void', () => {
    const model = loaded();
    const epoch = model.epoch;
    assert.equal(model.apply(...message({ session: 's2', names: [] })), 'applied');
    assert.notEqual(model.epoch, epoch);
    assert.equal(model.tasks.length, 0);
  });

  test('is read from a buffer at an odd offset', () => {
    const [header, buffer] = message({ names: ['f'] }, [{ func: 0 }, { func: 0, deps: [0] }]);
    const shifted = new Uint8Array(buffer.byteLength + 3);
    shifted.set(new Uint8Array(buffer.buffer), 3);
    const model = new Model();
    assert.equal(model.apply(header, new DataView(shifted.buffer, 3, buffer.byteLength)), 'applied');
    assert.deepEqual([...model.tasks.depsOf(1)], [0]);
  });

  test('of 10,000 tasks grows the table', () => {
    const tasks = Array.from({ length: 10_000 }, (_, i) => ({ func: i % 7, deps: i > 0 ? [i - 1] : [] }));
    const model = new Model();
    assert.equal(model.apply(...message({}, tasks)), 'applied');
    assert.equal(model.tasks.length, 10_000);
    assert.deepEqual([...model.tasks.depsOf(9_999)], [9_998]);
    assert.equal(model.tasks.func[9_999], 9_999 % 7);
  });
});

describe('a delta', () => {
  test('appends names and tasks, and changes states', () => {
    const model = loaded();
    const [header, buffer] = message(
      {
        kind: 'delta',
        seq: 1,
        names: ['report'],
        groups: [
          [0, 0, 0, 0, 1, 1, 0],
          [2, 1, 0, 0, 0, 0, 0]
        ],
        errors: { '1': 'ValueError: no' }
      },
      [{ func: 2, deps: [2] }],
      [{ id: 1, state: TaskState.failed, worker: 0, start: 1001, end: 1002 }]
    );
    assert.equal(model.apply(header, buffer), 'applied');
    assert.equal(model.nameOf(2), 'report');
    assert.deepEqual([...model.tasks.depsOf(3)], [2]);
    assert.equal(model.errors.get(1), 'ValueError: no');
    assert.deepEqual(model.totals(), [2, 0, 0, 1, 1, 0]);
    assert.deepEqual(model.listedCounts[0], [0, 0, 0, 1, 1, 0]);
  });

  test('changes a task listed in the same message', () => {
    const model = loaded();
    const change = [{ id: 3, state: TaskState.running, worker: 0, start: 1003 }];
    assert.equal(model.apply(...message({ kind: 'delta', seq: 1 }, [{ func: 1 }], change)), 'applied');
    assert.equal(model.tasks.state[3], TaskState.running);
  });

  test('before any snapshot asks for one', () => {
    assert.equal(new Model().apply(...message({ kind: 'delta', seq: 1 })), 'gap');
  });

  test('seen before is ignored', () => {
    const model = loaded();
    assert.equal(model.apply(...message({ kind: 'delta', seq: 1 })), 'applied');
    assert.equal(model.apply(...message({ kind: 'delta', seq: 1 }, [{ func: 0 }])), 'ignored');
    assert.equal(model.tasks.length, 3);
  });

  test('after a lost one is refused until the next snapshot', () => {
    const model = loaded();
    assert.equal(model.apply(...message({ kind: 'delta', seq: 2 }, [{ func: 0 }])), 'gap');
    assert.equal(model.apply(...message({ kind: 'delta', seq: 3 })), 'gap');
    assert.equal(model.tasks.length, 3);
    assert.equal(model.apply(...message({})), 'applied');
    assert.equal(model.apply(...message({ kind: 'delta', seq: 1 })), 'applied');
  });

  test('of another session forgets everything and asks for a snapshot', () => {
    const model = loaded();
    assert.equal(model.apply(...message({ kind: 'delta', seq: 1, session: 's2' })), 'gap');
    assert.equal(model.tasks.length, 0);
    assert.deepEqual(model.names, []);
  });
});

describe('a message that breaks the format', () => {
  const broken: [string, (model: Model) => ReturnType<typeof message>][] = [
    ['ends too early', () => [message({ kind: 'delta', seq: 1 }, [{ func: 0 }])[0], new DataView(new ArrayBuffer(8))]],
    ['has no buffer', () => [message({ kind: 'delta', seq: 1 }, [{ func: 0 }])[0], new DataView(new ArrayBuffer(0))]],
    [
      'has an unknown type',
      () => [{ ...message({ kind: 'delta', seq: 1 })[0], new: [['func', 'u3', 0]] }, message({})[1]]
    ],
    ['changes an unknown task', () => message({ kind: 'delta', seq: 1 }, [{ func: 0 }], [{ id: 9, state: 3 }])],
    ['has an unknown state', () => message({ kind: 'delta', seq: 1 }, [{ func: 0 }], [{ id: 0, state: 17 }])]
  ];
  for (const [what, build] of broken) {
    test(`${what}: changes nothing and asks for a snapshot`, () => {
      const model = loaded();
      const version = model.version;
      assert.equal(model.apply(...build(model)), 'gap');
      assert.equal(model.version, version);
      assert.equal(model.tasks.length, 3);
      assert.equal(model.tasks.state[0], TaskState.done);
    });
  }
});

describe('rows', () => {
  const part = { count: 2, memory_bytes: 10, store_used_bytes: 500, store_capacity_bytes: 1000 };

  test('of objects come, change and go', () => {
    const model = loaded();
    const rows = [
      ['aa', 100, 'store', 'load', 1, 1, 'n0'],
      ['bb', 400, 'store', 'parse', 2, 1, 'n0']
    ] as const;
    model.apply(...message({ kind: 'delta', seq: 1, objects: { ...part, rows } }));
    assert.deepEqual(
      model.objectsBySize().map(row => row.id),
      ['bb', 'aa']
    );
    const spilled = ['aa', 100, 'spilled', 'load', 1, 1, 'n0'] as const;
    model.apply(...message({ kind: 'delta', seq: 2, objects: { ...part, rows: [spilled], gone: ['bb'] } }));
    assert.deepEqual(
      [...model.objects.values()].map(row => [row.id, row.state]),
      [['aa', 'spilled']]
    );
    assert.equal(model.objectTotals.storeUsedBytes, 500);
  });

  test('of objects are bounded, the largest stay', () => {
    const model = loaded();
    const rows = Array.from({ length: 1500 }, (_, i) => [`o${i}`, i, 'store', 'f', 1, 0, ''] as const);
    model.apply(...message({ kind: 'delta', seq: 1, objects: { ...part, rows } }));
    assert.ok(model.objects.size <= 1000);
    assert.ok(model.objects.has('o1499'));
    assert.ok(!model.objects.has('o0'));
  });

  test('of actors are counted by state', () => {
    const model = loaded();
    const actor = {
      class: 'C',
      name: null,
      pid: 1,
      pending: 0,
      done: 0,
      current: null,
      restarts: 0,
      cause: null,
      cell: 0,
      node: null
    };
    const actors = ['alive', 'alive', 'dead'].map((state, i) => ({ ...actor, id: `a${i}`, state }));
    model.apply(...message({ kind: 'delta', seq: 1, actors }));
    assert.deepEqual(actorCounts(model), { alive: 2, restarting: 0, dead: 1, pending: 0 });
  });
});
