/** The timeline without its picture: rows, lanes, the window, the axis, the layout, the trace. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { attemptFacts, describeAttempt } from '../../labextension/src/views/model/attempts';
import { functionColour, FUNCTION_HUES, luminance } from '../../labextension/src/views/timeline/function-colours';
import type { Model } from '../../labextension/src/views/model/model';
import { describeTimeline, readTimeline, taskAt } from '../../labextension/src/views/model/spans';
import { TaskState } from '../../labextension/src/views/model/states';
import { marks, stepFor } from '../../labextension/src/views/timeline/time-axis';
import { AXIS_HEIGHT, layOut, placeAt } from '../../labextension/src/views/timeline/timeline-layout';
import { TimeWindow } from '../../labextension/src/views/timeline/time-window';
import { traceEvents } from '../../labextension/src/views/model/trace';
import type { AttemptTuple, INodeRow } from '../../labextension/src/views/model/wire';
import type { IChange } from './message';
import { message } from './message';
import { nodeRow, told } from './told';

const { done, failed, running } = TaskState;

function node(id: string, process: string): INodeRow {
  return nodeRow(id, { process, resources: { CPU: 2 }, available: { CPU: 1 }, workers: 2 });
}

/** Three workers on two nodes; every change is a task of its own. */
function modelOf(changes: readonly Omit<IChange, 'id'>[], nodes = [node('n1', 'aa00'), node('n2', 'bb00')]): Model {
  const workers = [
    { id: 'aa01', pid: 11, label: 'worker 11', node: 'aa' },
    { id: 'bb02', pid: 12, label: 'worker 12', node: 'bb' },
    { id: 'aa03', pid: 13, label: 'worker 13', node: 'aa' }
  ];
  return told(
    message(
      { names: ['load', 'parse'], cells: [{ id: '', label: '' }], workers, nodes },
      changes.map((_, i) => ({ func: i % 2 })),
      changes.map((change, id) => ({ id, ...change }))
    )
  );
}

describe('spans', () => {
  test('stand in the row of their worker, the rows below their node', () => {
    const model = modelOf([
      { state: done, worker: 0, start: 1002, end: 1003 },
      { state: done, worker: 1, start: 1000, end: 1001 },
      { state: done, worker: 0, start: 1000, end: 1001 },
      { state: TaskState.ready }
    ]);
    const timeline = readTimeline(model);
    assert.deepEqual(
      timeline.groups.map(group => [group.label, group.rows.map(row => [row.label, [...row.tasks]])]),
      [
        ['node n1', [['worker 11', [2, 0]]]],
        ['node n2', [['worker 12', [1]]]]
      ]
    );
    assert.deepEqual([timeline.spans, timeline.first, timeline.last], [3, 1000, 1003]);
    assert.equal(describeTimeline(timeline), 'timeline: 2 workers, 3 spans, 0 running');
  });

  test('of one node have no heading', () => {
    const model = modelOf([{ state: done, worker: 0, start: 1000, end: 1001 }], [node('n1', 'aa00')]);
    assert.deepEqual(
      readTimeline(model).groups.map(group => group.label),
      ['']
    );
  });

  test('that overlap stand in lanes, and the next one takes the first that is free', () => {
    const model = modelOf([
      { state: done, worker: 0, start: 1000, end: 1004 },
      { state: done, worker: 0, start: 1001, end: 1002 },
      { state: done, worker: 0, start: 1002, end: 1003 },
      { state: running, worker: 0, start: 1003.5 }
    ]);
    const [row] = readTimeline(model).groups[0].rows;
    assert.deepEqual(row.lanes, [0, 1, 1, 1]);
    assert.equal(row.laneCount, 2);
    assert.equal(taskAt(model, row, 1, 1002.5, 0, 1010), 2);
    assert.equal(taskAt(model, row, 1, 1009, 0, 1010), 3, 'a running one ends now');
    assert.equal(taskAt(model, row, 0, 1004.2, 0.1, 1010), -1);
    assert.equal(taskAt(model, row, 0, 1004.2, 0.5, 1010), 0, 'near enough');
  });

  test('have beside them the attempts that they have followed, where those ran', () => {
    const model = modelOf([{ state: done, worker: 0, start: 1002, end: 1003 }]);
    const attempts: AttemptTuple[] = [[0, 0, 1, 1000, 1001, failed, 'worker 12 died']];
    model.apply(...message({ kind: 'delta', seq: 1, attempts }));
    const timeline = readTimeline(model);
    assert.deepEqual(
      timeline.groups.flatMap(group => group.rows.map(row => [row.label, row.tasks.length, row.past.length])),
      [
        ['worker 11', 1, 0],
        ['worker 12', 0, 1]
      ]
    );
    assert.deepEqual([timeline.first, timeline.spans], [1000, 1]);
    const [past] = timeline.groups[1].rows[0].past;
    assert.equal(describeAttempt(model, past), 'load #0 · attempt 1 · 1.0 s · worker 12 died');
    assert.deepEqual(attemptFacts(model, 0, 5), [['attempt 1', '1.0 s · on worker 12 · worker 12 died']]);
    const tried = traceEvents(model, 1004).filter(event => event.args['attempt'] === 1);
    assert.deepEqual(
      tried.map(({ name, tid, dur }) => [name, tid, dur]),
      [['load', 1, 1_000_000]]
    );
  });

  test('after a long rest begin a new burst; while one runs there is no rest', () => {
    const first = { state: done, worker: 0, start: 1000, end: 1001 };
    assert.equal(readTimeline(modelOf([first, { ...first, start: 1100, end: 1101 }])).burst, 1100);
    assert.equal(readTimeline(modelOf([first, { ...first, start: 1003, end: 1101 }])).burst, 1000);
    const slow = { state: running, worker: 1, start: 1000 };
    assert.equal(readTimeline(modelOf([slow, { ...first, start: 1100, end: 1101 }])).burst, 1000);
  });
});

describe('the window', () => {
  const span = { state: done, worker: 0, start: 1000, end: 1001 };

  test('goes to a moment of the past that was not in sight', () => {
    const model = modelOf([
      { state: done, worker: 0, start: 1000, end: 1001 },
      { state: done, worker: 0, start: 1600, end: 1601 }
    ]);
    const past = modelOf([{ state: done, worker: 0, start: 1000, end: 1001 }]);
    const window = new TimeWindow();
    window.update(readTimeline(model), 1601);
    assert.ok(window.has(1600.5) && !window.has(1000.5));
    window.update(readTimeline(past), 1000.5);
    assert.ok(window.has(1000.5) && !window.has(1600.5));
  });

  test('follows the latest burst, and a minute of it at most', () => {
    const window = new TimeWindow();
    window.update(readTimeline(modelOf([span, { ...span, start: 1100, end: 1102 }])), 5000);
    assert.ok(window.from > 1099 && window.from <= 1100 && window.to >= 1102 && window.to < 1103);
    const running = readTimeline(modelOf([{ state: TaskState.running, worker: 0, start: 1000 }]));
    window.update(running, 1200);
    assert.ok(window.from >= 1139 && window.to >= 1200);
  });

  test('shows all on demand, and stays where somebody has put it', () => {
    const timeline = readTimeline(modelOf([span, { ...span, start: 1100, end: 1102 }]));
    const window = new TimeWindow();
    window.mode = 'all';
    window.update(timeline, 5000);
    assert.ok(window.from <= 1000 && window.to >= 1102);
    window.zoom(2, 1050, 200);
    window.pan(1);
    const [from, to] = [window.from, window.to];
    window.update(timeline, 6000);
    assert.deepEqual([window.from, window.to, window.mode], [from, to, 'free']);
  });

  test('keeps what is under the pointer in its place, and has limits', () => {
    const window = new TimeWindow();
    [window.from, window.to] = [100, 200];
    window.zoom(4, 125, 1000);
    assert.deepEqual([window.from, window.to], [118.75, 143.75]);
    window.zoom(1e-9, 125, 1000);
    assert.ok(window.length <= 1000.001);
    window.zoom(1e12, 125, 1000);
    assert.ok(window.length > 1e-6);
  });

  test('moves to what is out of sight only', () => {
    const window = new TimeWindow();
    [window.from, window.to] = [100, 200];
    window.reveal(150, 151);
    assert.equal(window.from, 100);
    window.reveal(300, 302);
    assert.deepEqual([window.from, window.to], [251, 351]);
  });
});

describe('the axis', () => {
  test('has round steps', () => {
    assert.equal(stepFor(0.0031), 0.005);
    assert.equal(stepFor(0.6), 1);
    assert.equal(stepFor(7), 10);
    assert.equal(stepFor(61), 120);
    assert.equal(stepFor(1e9), 86_400);
  });

  test('says times as people do', () => {
    const texts = (to: number): string[] => marks(1000, 1000 + to, 1000, 280).map(mark => mark.text);
    assert.deepEqual(texts(4), ['0 s', '1 s', '2 s', '3 s', '4 s']);
    assert.deepEqual(texts(2), ['0 s', '0.5 s', '1.0 s', '1.5 s', '2.0 s']);
    assert.deepEqual(texts(0.04), ['0 s', '10 ms', '20 ms', '30 ms', '40 ms']);
    assert.deepEqual(texts(120), ['0 s', '30 s', '1:00 min', '1:30 min', '2:00 min']);
    assert.deepEqual(texts(7200), ['0 s', '30:00 min', '1:00:00 h', '1:30:00 h', '2:00:00 h']);
  });
});

describe('the layout', () => {
  const timeline = readTimeline(
    modelOf([
      { state: done, worker: 0, start: 1000, end: 1004 },
      { state: done, worker: 0, start: 1001, end: 1002 },
      { state: done, worker: 1, start: 1002, end: 1003 }
    ])
  );

  test('fits the rows, and gives more room to rows with lanes', () => {
    const layout = layOut(timeline, 400);
    assert.deepEqual(
      layout.heads.map(head => head.label),
      ['node n1', 'node n2']
    );
    assert.ok(layout.rows[0].height > layout.rows[1].height);
    assert.ok(layout.height <= 400 - AXIS_HEIGHT);
    assert.ok(layout.top > AXIS_HEIGHT, 'there is room for how many ran at once');
    const low = layOut(timeline, 40);
    assert.equal(low.top, AXIS_HEIGHT);
    assert.ok(
      low.rows.every(row => row.height >= 14),
      'each label can be read'
    );
    assert.ok(low.height > 40 - AXIS_HEIGHT, 'rows have a least height: then they are scrolled');
  });

  test('finds the row and the lane at a height', () => {
    const layout = layOut(timeline, 400);
    const [first, second] = layout.rows;
    assert.equal(placeAt(layout, 0), null);
    assert.deepEqual([placeAt(layout, first.y + 1)!.place, placeAt(layout, first.y + 1)!.lane], [first, 0]);
    assert.equal(placeAt(layout, first.y + first.height - 1)!.lane, 1);
    assert.equal(placeAt(layout, second.y + 1)!.place, second);
  });
});

test('colours of functions repeat, striped, and text upon them can be read', () => {
  assert.equal(functionColour(8).fill, functionColour(0).fill);
  assert.ok(functionColour(8).striped && !functionColour(7).striped);
  for (let func = 0; func < FUNCTION_HUES.length; func++) {
    const { fill, text } = functionColour(func);
    const [low, high] = [luminance(fill), text === '#fff' ? 1 : luminance('#16181c')].sort((a, b) => a - b);
    assert.ok((high + 0.05) / (low + 0.05) > 4.5, `${fill} with ${text}`);
  }
});

test('the trace has a process for each node, a thread for each worker, and an event for each span', () => {
  const model = modelOf([
    { state: done, worker: 0, start: 1000, end: 1000.5 },
    { state: failed, worker: 1, start: 1001, end: 1002 },
    { state: running, worker: 2, start: 1002 },
    { state: TaskState.waiting }
  ]);
  const events = traceEvents(model, 1004);
  const spans = events.filter(event => event.ph === 'X');
  assert.deepEqual(
    spans.map(({ name, pid, tid, ts, dur }) => [name, pid, tid, ts, dur]),
    [
      ['load', 1, 0, 1_000_000_000, 500_000],
      ['parse', 2, 1, 1_001_000_000, 1_000_000],
      ['load', 1, 2, 1_002_000_000, 2_000_000]
    ]
  );
  assert.equal(spans[1].args['state'], 'failed');
  assert.equal(spans[1].args['task'], model.titleOf(1));
  assert.equal(events.filter(event => event.name === 'process_name').length, 2);
  assert.equal(events.filter(event => event.name === 'thread_name').length, 3);
});
