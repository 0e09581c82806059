/** Watched fields of actors: what is remembered of them, and how it is shown. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatValue, Histories, sparkline } from '../../labextension/src/views/model/histories';
import { Model } from '../../labextension/src/views/model/model';
import type { IActorRow, WatchedValue } from '../../labextension/src/views/model/wire';
import { message } from './message';

function row(watched: Record<string, WatchedValue>): IActorRow {
  return { id: 'a1', class: 'Trainer', state: 'alive', watched } as unknown as IActorRow;
}

test('a history keeps its first and its last point, and stays short', () => {
  const histories = new Histories();
  for (let i = 0; i <= 1000; i++) {
    histories.note(row({ step: i, note: 'text', on: true }), i);
  }
  const points = histories.of('a1', 'step');
  assert.ok(points.length <= 64 && points.length > 16);
  assert.deepEqual([points[0].value, points[points.length - 1].value], [0, 1000]);
  assert.deepEqual(histories.of('a1', 'note'), [], 'only numbers have one');
  assert.deepEqual(histories.of('a1', 'on'), []);
});

test('a value that stays is two points, however often it is told', () => {
  const histories = new Histories();
  [5, 5, 5, 5, 7].forEach((step, time) => histories.note(row({ step }), time));
  assert.deepEqual(
    histories.of('a1', 'step').map(point => [point.time, point.value]),
    [
      [0, 5],
      [3, 5],
      [4, 7]
    ]
  );
});

test('a sparkline fills its box from left to right, large values at the top', () => {
  assert.equal(sparkline([{ time: 0, value: 1 }], 80, 10), null);
  const line = sparkline(
    [
      { time: 0, value: 1 },
      { time: 5, value: 3 },
      { time: 10, value: 2 }
    ],
    80,
    10
  )!;
  assert.equal(line.path, 'M0.0 10.0L40.0 0.0L80.0 5.0');
  assert.deepEqual(line.end, [80, 5]);
  const flat = sparkline(
    [
      { time: 1, value: 4 },
      { time: 2, value: 4 }
    ],
    80,
    10
  )!;
  assert.equal(flat.path, 'M0.0 5.0L80.0 5.0');
});

test('values are shown shortly', () => {
  const shown = [12345, 0.123456, 1e-9, 2.5e7, 1e300, null, true, 'list of 2'].map(formatValue);
  assert.deepEqual(shown, ['12,345', '0.1235', '1.00e-9', '25,000,000', '1.00e+300', 'None', 'True', 'list of 2']);
});

test('histories outlive a snapshot of the same session, not another session', () => {
  const model = new Model();
  const tell = (session: string, step: number, time: number): void => {
    const [header, buffer] = message({ session, time, actors: [row({ step })] });
    assert.equal(model.apply(header, buffer), 'applied');
  };
  tell('s1', 1, 10);
  tell('s1', 2, 11);
  assert.equal(model.histories.of('a1', 'step').length, 2);
  tell('s2', 1, 12);
  assert.equal(model.histories.of('a1', 'step').length, 1);
});
