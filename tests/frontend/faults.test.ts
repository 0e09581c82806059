/** The fault lab and the nodes view without their pictures: what is offered, what not and why, what went where. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aboutOf } from '../../labextension/src/views/nodes/fault-buttons';
import { addNodeFault, nodeFaults, objectFault, workerFault } from '../../labextension/src/views/nodes/fault-lab';
import { Model } from '../../labextension/src/views/model/model';
import { trafficOf, workersByNode } from '../../labextension/src/views/model/node-rows';
import { death, lateness } from '../../labextension/src/views/nodes/nodes';
import { criticalPath, pathEdges } from '../../labextension/src/views/graph/critical-path';
import { attemptWords, TaskState } from '../../labextension/src/views/model/states';
import { readTimeline } from '../../labextension/src/views/model/spans';
import { layOut } from '../../labextension/src/views/timeline/timeline-layout';
import { traceEvents } from '../../labextension/src/views/model/trace';
import { workAt } from '../../labextension/src/views/timeline/work-draw';
import { describeWork, withSpans, WORK_KINDS, WORK_SPANS_KEPT } from '../../labextension/src/views/model/work-spans';
import type { SpanTuple } from '../../labextension/src/views/model/wire';
import type { IChange } from './message';
import { message } from './message';
import { nodeRow, tell, told } from './told';

describe('what can be broken', () => {
  const nodes = [nodeRow('aa', { home: true }), nodeRow('bb'), nodeRow('cc', { alive: false })];

  test('is not the node of the driver, nor one that is dead', () => {
    const model = told(message({ nodes }));
    const [kill, cut] = nodeFaults(model, nodes[0]);
    assert.match(kill.whyNot, /This driver lives on that node/);
    assert.equal(cut.whyNot, kill.whyNot);
    assert.deepEqual(
      nodeFaults(model, nodes[1]).map(fault => [aboutOf(fault), fault.whyNot]),
      [
        ['node bb', ''],
        ['delay bb', '']
      ]
    );
    assert.deepEqual(nodeFaults(model, nodes[2]), []);
  });

  test('needs another node, and processes', () => {
    const alone = told(message({ nodes: [nodeRow('aa', { home: true })] }));
    assert.match(nodeFaults(alone, nodeRow('aa'))[0].whyNot, /--nodes 3/);
    const inline = told(message({ nodes, engine: 'inline' }));
    for (const fault of [workerFault(inline, 7), objectFault(inline, 'ab'), ...nodeFaults(inline, nodes[1])]) {
      assert.match(fault.whyNot, /inline engine/);
    }
    assert.equal(workerFault(alone, 7).whyNot, '');
  });

  test('and what can be added is told by the kernel', () => {
    assert.notEqual(addNodeFault(told(message({}))).whyNot, '');
    const model = told(message({ no_node: '' }));
    assert.deepEqual([aboutOf(addNodeFault(model)), addNodeFault(model).whyNot], ['add', '']);
    tell(model, message({ session: 's2', no_node: 'No cluster.' }));
    assert.equal(addNodeFault(model).whyNot, 'No cluster.');
  });
});

describe('a node', () => {
  test('that is late or dead says so, and why', () => {
    assert.deepEqual(lateness(nodeRow('aa'), 100), []);
    assert.deepEqual(lateness(nodeRow('aa', { late_until: 99, late_by_s: 3 }), 100), []);
    assert.match(lateness(nodeRow('aa', { late_until: 103, late_by_s: 3 }), 100)[0], /cut off/);
    assert.match(lateness(nodeRow('aa', { late_until: 103, late_by_s: 0.2 }), 100)[0], /0\.2 s late/);
    assert.match(
      death(nodeRow('aa', { alive: false, reason: '(pid 7) has ended' }))[0],
      /it died: it \(pid 7\) has ended/
    );
  });

  test('tells what it got from whom, and what it gave', () => {
    const nodes = [
      nodeRow('aa', { received: { bb: 50 } }),
      nodeRow('bb', { received: { aa: 100, gone: 10 } }),
      nodeRow('cc')
    ];
    const model = told(message({ nodes }));
    assert.deepEqual(
      trafficOf(model, nodes[1]).map(line => [line.out, line.other, line.bytes, line.share]),
      [
        [false, 'node aa', 100, 1],
        [true, 'node aa', 50, 0.5],
        [false, 'another node', 10, 0.1]
      ]
    );
    assert.deepEqual(trafficOf(model, nodes[2]), []);
  });

  test('names its workers, those too that have run nothing', () => {
    const processes = [
      ['aa01', 11, 'idle'],
      ['aa02', 12, 'leased']
    ] as const;
    const rows = workersByNode(told(message({ nodes: [nodeRow('aa', { processes })] }))).get('aa')!;
    assert.deepEqual(
      rows.map(row => [row.pid, row.state]),
      [
        [12, 'busy'],
        [11, 'idle']
      ]
    );
  });
});

describe('the critical path', () => {
  const ran = (id: number, start: number, end: number): IChange => ({ id, state: TaskState.done, start, end });

  test('is the longest chain by time, not by number', () => {
    const tasks = [{ func: 0 }, { func: 0 }, { func: 1, deps: [0] }, { func: 1, deps: [2] }, { func: 1, deps: [1, 3] }];
    const changes = [ran(0, 1000, 1001), ran(1, 1000, 1010), ran(2, 1001, 1002), ran(3, 1002, 1003)];
    const model = told(message({ names: ['f', 'g'] }, tasks, [...changes, ran(4, 1010, 1011)]));
    const path = criticalPath(model, 1011);
    assert.deepEqual([path.tasks, path.seconds, path.whole], [[1, 4], 11, 11]);
    assert.deepEqual([...pathEdges(path)], ['1/4']);
  });

  test('goes on while its last task runs, and is empty before anything has run', () => {
    const model = new Model();
    assert.deepEqual(criticalPath(model, 1000).tasks, []);
    const running = [ran(0, 1000, 1001), { id: 1, state: TaskState.running, start: 1001 }];
    tell(model, message({ names: ['f'] }, [{ func: 0 }, { func: 0, deps: [0] }], running));
    assert.deepEqual(criticalPath(model, 1005).tasks, [0, 1]);
    assert.equal(criticalPath(model, 1005).seconds, 5);
  });
});

test('a task that runs again is told with its attempt', () => {
  const changes = [{ id: 0, state: TaskState.running, start: 1000, attempt: 2 }];
  const model = told(message({ names: ['f'] }, [{ func: 0 }], changes));
  assert.equal(attemptWords(model.tasks.attempt[0]), ' · attempt 3');
  assert.equal(attemptWords(0), '');
});

describe('work besides tasks', () => {
  const spans: SpanTuple[] = [
    ['transfer', 'aa00', 1001, 1003, 3_000_000, 'bb'],
    ['read', 'bb01', 1002, 1002.5, 10, 'load']
  ];
  const workers = [{ id: 'bb01', pid: 11, label: 'worker 11', node: 'bb' }];

  test("stands in the row of its worker, or in one of its node's own", () => {
    const model = told(message({ nodes: [nodeRow('aa'), nodeRow('bb')], workers, spans }));
    const rows = readTimeline(model).groups.flatMap(group => group.rows);
    assert.deepEqual(
      rows.map(row => [row.process, row.worker, row.work.map(span => span.kind)]),
      [['aa00', -1, ['transfer']]]
    );
    const layout = layOut(readTimeline(model), 200);
    const middle = layout.rows[0].y + layout.rows[0].height / 2;
    assert.equal(workAt(layout, middle, 1000.9, 0.05), null);
    assert.equal(workAt(layout, middle, 1000.96, 0.05)?.kind, 'transfer');
    assert.equal(workAt(layout, 2000, 1001, 0.05), null);
    assert.equal(describeWork(model, rows[0].work[0]), 'copied from another node · from node bb · 3 MB · 2.0 s');
  });

  test('is in the trace', () => {
    const model = told(message({ nodes: [nodeRow('aa'), nodeRow('bb')], workers, spans }));
    const events = traceEvents(model, 1010).filter(event => event.ph === 'X');
    assert.deepEqual(
      events.map(event => [event.name, event.pid, event.tid, event.dur]),
      [
        [WORK_KINDS.transfer.label, 1, 1, 2e6],
        [WORK_KINDS.read.label, 2, 0, 5e5]
      ]
    );
  });

  test('is kept within a limit, the latest of it', () => {
    const many: SpanTuple[] = Array.from({ length: WORK_SPANS_KEPT + 5 }, (_, i) => ['read', 'x', i, i + 1, 1, '']);
    const kept = withSpans(withSpans([], spans), many);
    assert.equal(kept.length, WORK_SPANS_KEPT);
    assert.equal(kept[0].start, 5);
  });

  test('has a colour and lines of its own for each kind', () => {
    const looks = Object.values(WORK_KINDS).map(({ fill, lines }) => `${fill}/${lines}`);
    assert.equal(new Set(looks.map(look => look.split('/')[1])).size, looks.length);
    assert.equal(new Set(looks).size, looks.length);
  });
});
