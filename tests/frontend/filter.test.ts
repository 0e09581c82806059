/** The filter, the views' places, and what the nodes view reads from the model. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { actorCounts } from '../../labextension/src/views/model/actor-counts';
import { Filter } from '../../labextension/src/views/model/filter';
import { Flows } from '../../labextension/src/views/graph/flows';
import { Model } from '../../labextension/src/views/model/model';
import { describeNodes, usesOf, workersByNode } from '../../labextension/src/views/model/node-rows';
import { endSession } from '../../labextension/src/views/model/session-end';
import { summaryMeaning, summaryText } from '../../labextension/src/views/model/summary';
import { TaskState } from '../../labextension/src/views/model/states';
import { firstOf, FOUR_FROM, regionsFor, TWO_FROM, VIEW_NAMES } from '../../labextension/src/views/view-names';
import type { IActorRow, INodeRow } from '../../labextension/src/views/model/wire';
import { message } from './message';
import { nodeRow } from './told';

function node(id: string, more: Partial<INodeRow> = {}): INodeRow {
  const resources = { CPU: 4, memory: 100, 'node:1.2.3.4': 1, licence: 2 };
  return nodeRow(id, { resources, available: { CPU: 1, memory: 100, licence: 2 }, workers: 2, ...more });
}

function loaded(nodes: INodeRow[] = [node('aa')], actors: Partial<IActorRow>[] = []): Model {
  const model = new Model();
  const [header, buffer] = message(
    {
      names: ['load', 'parse'],
      cells: [
        { id: '', label: '' },
        { id: 'c1', label: 'In [3]' }
      ],
      workers: [
        { id: 'aa01', pid: 11, label: 'worker 11', node: 'aa' },
        { id: 'aa02', pid: 12, label: 'worker 12', node: 'aa' }
      ],
      groups: [
        [0, 0, 0, 0, 12, 0, 0],
        [1, 0, 0, 1, 0, 0, 0]
      ],
      objects: {
        rows: [
          ['o1', 10, 'store', 'load', 1, 1, ''],
          ['o2', 20, 'store', 'parse', 1, 0, '']
        ],
        count: 2,
        memory_bytes: 0,
        store_used_bytes: 30,
        store_capacity_bytes: 100
      },
      nodes,
      actors: actors as IActorRow[],
      limits: { tasks_listed: 3, tasks_total: 13 }
    },
    [{ func: 0 }, { func: 0 }, { func: 1, deps: [0, 1] }],
    [
      { id: 0, state: TaskState.done, worker: 0, start: 1, end: 2 },
      { id: 2, state: TaskState.running, worker: 1, start: 2 }
    ]
  );
  assert.equal(model.apply(header, buffer), 'applied');
  return model;
}

describe('the filter', () => {
  test('lets all pass until it is set', () => {
    const [model, filter] = [loaded(), new Filter()];
    assert.ok(!filter.active && filter.shows(model, 0) && filter.showsClass('Counter'));
    filter.func = 'parse';
    assert.deepEqual(
      [0, 1, 2].map(task => filter.shows(model, task)),
      [false, false, true]
    );
    assert.deepEqual(
      filter.objects(model).map(row => row.id),
      ['o2']
    );
    filter.clear();
    assert.ok(!filter.active);
  });

  test('knows the methods of a class, and cells by their id', () => {
    const [model, filter] = [loaded(), new Filter()];
    filter.func = 'Counter.step';
    assert.ok(filter.showsClass('Counter') && !filter.showsClass('Count'));
    filter.clear();
    filter.cell = 'c1';
    assert.ok(filter.showsCell(model, 1) && !filter.showsCell(model, 0));
    filter.cell = 'elsewhere';
    assert.equal(filter.shows(model, 0), false);
  });

  test('makes a part of the model: listed tasks that pass, all else as it is', () => {
    const model = loaded();
    const part = model.only(task => task !== 1);
    assert.deepEqual(part.members, [[0], [2]]);
    assert.deepEqual(part.counts[0], [0, 0, 0, 1, 0, 0]);
    assert.deepEqual([part.tasksTotal, model.tasksTotal], [2, 13]);
    assert.deepEqual(part.totals(), [0, 0, 1, 1, 0, 0]);
    assert.equal(part.nameOf(1), 'parse');
    assert.deepEqual(model.members, [[0, 1], [2]], 'the model itself is what it was');
  });

  test('counts the flows between what passes, anew when it changes', () => {
    const [model, filter, flows] = [loaded(), new Filter(), new Flows()];
    flows.sync(model, filter);
    assert.equal(flows.between()[0].count, 2);
    filter.func = 'load';
    flows.sync(model, filter);
    assert.deepEqual(flows.between(), []);
    filter.clear();
    flows.sync(model, filter);
    assert.equal(flows.between()[0].count, 2);
  });
});

describe('the places of the views', () => {
  test('are one, two or four', () => {
    assert.deepEqual(regionsFor(TWO_FROM - 1, VIEW_NAMES), [[[...VIEW_NAMES]]]);
    assert.deepEqual(
      regionsFor(TWO_FROM, VIEW_NAMES).map(row => row.length),
      [1, 1]
    );
    assert.deepEqual(
      regionsFor(FOUR_FROM, VIEW_NAMES).map(row => row.length),
      [2, 2]
    );
    for (const width of [100, TWO_FROM, FOUR_FROM]) {
      assert.deepEqual(new Set(regionsFor(width, VIEW_NAMES).flat(2)), new Set(VIEW_NAMES));
      assert.deepEqual(regionsFor(width, ['timeline']), [[['timeline']]]);
    }
  });

  test('show first what has something to show', () => {
    const counts = { graph: 0, timeline: 0, objects: 0, actors: 0, nodes: 1 };
    assert.equal(firstOf(['actors', 'nodes'], counts), 'nodes');
    assert.equal(firstOf(['actors', 'nodes'], { ...counts, actors: 2 }), 'actors');
    assert.equal(firstOf(['graph', 'timeline'], counts), 'graph');
  });
});

describe('a session', () => {
  test('in one line', () => {
    const summary = {
      session: 'one',
      cpus_used: 1.5,
      cpus_total: 2,
      busy: 1,
      workers: 4,
      queued: 7,
      store_used_bytes: 1_200_000,
      store_capacity_bytes: 100_000_000,
      memory_used_bytes: 3_000_000_000,
      memory_total_bytes: 8_000_000_000
    };
    assert.equal(summaryText(summary), 'CPUs 1.5 of 2 · 4 workers · 7 queued · mem 38% · store 1.2 MB');
    assert.match(
      summaryMeaning(summary),
      /^CPUs in use: 1.5 of 2\n4 worker processes, 1 of them.*\nobject store: 1\.2 MB of 100 MB in use$/s
    );
    // what can not be told is left out
    const unknown = { ...summary, queued: 0, memory_used_bytes: 0, memory_total_bytes: 0 };
    assert.equal(summaryText(unknown), 'CPUs 1.5 of 2 · 4 workers · store 1.2 MB');
    assert.doesNotMatch(summaryMeaning(unknown), /memory/);
  });

  test('that has ended leaves nothing that runs, waits, lives or lies in the store', () => {
    const model = loaded([node('aa')], [{ id: 'x', class: 'Counter', state: 'alive', pid: 17, current: 'step' }]);
    const version = model.version;
    endSession(model);
    assert.ok(model.version > version);
    assert.deepEqual(model.totals(), [0, 0, 0, 12, 0, 1]);
    assert.deepEqual([model.tasks.state[1], model.tasks.state[2]], [TaskState.cancelled, TaskState.cancelled]);
    assert.deepEqual(actorCounts(model), { alive: 0, restarting: 0, dead: 1, pending: 0 });
    assert.equal(describeNodes(model), 'nodes: 0 alive, 1 dead, 0 workers');
    assert.deepEqual([model.objects.size, model.objectTotals.storeUsedBytes], [0, 0]);
    const empty = new Model();
    endSession(empty);
    assert.equal(empty.version, 0);
  });
});

describe('nodes', () => {
  test('tell what is in use, CPUs first', () => {
    assert.deepEqual(usesOf(node('aa')), [
      { name: 'CPU', total: 4, used: 3 },
      { name: 'memory', total: 100, used: 0 },
      { name: 'licence', total: 2, used: 0 }
    ]);
    assert.equal(usesOf(node('aa', { alive: false, available: {} }))[0].used, 0);
    assert.equal(usesOf(node('aa', { idle: { CPU: 2 } }))[0].used, 1, 'what is held at a gate is not in use');
  });

  test('tell what their workers do: running ones first', () => {
    const rows = workersByNode(loaded()).get('aa')!;
    assert.deepEqual(
      rows.map(({ pid, state, runs }) => [pid, state, runs]),
      [
        [12, 'running', 'parse #2'],
        [11, 'idle', '']
      ]
    );
  });

  test('know all their processes where the engine tells of them', () => {
    const processes = [
      ['aa02', 12, 'leased'],
      ['aa05', 15, 'idle'],
      ['aa06', 16, 'leased'],
      ['aa07', 17, 'leased']
    ] as const;
    const actor = { id: 'x', class: 'Counter', state: 'alive', pid: 17, current: 'step' };
    const rows = workersByNode(loaded([node('aa', { processes })], [actor])).get('aa')!;
    assert.deepEqual(
      rows.map(({ pid, state, runs }) => [pid, state, runs]),
      [
        [12, 'running', 'parse #2'],
        [17, 'running', 'actor Counter: step'],
        [16, 'busy', ''],
        [15, 'idle', '']
      ]
    );
  });

  test('that are dead run nothing', () => {
    const model = loaded([node('aa'), node('bb', { alive: false })]);
    assert.deepEqual(workersByNode(model).get('bb'), []);
    assert.equal(describeNodes(model), 'nodes: 1 alive, 1 dead, 2 workers');
  });
});
