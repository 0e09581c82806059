/** How many tasks ran at once, as the timeline draws it above its rows. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { busyIn } from '../../labextension/src/views/timeline/busy-draw';
import { numbers } from './play';

describe('how many ran at once', () => {
  const times = (spans: readonly (readonly [number, number])[]): { starts: Float64Array; ends: Float64Array } => ({
    starts: Float64Array.from(spans.map(span => span[0])).sort(),
    ends: Float64Array.from(spans.map(span => span[1])).sort()
  });

  test('is counted for each piece of the time', () => {
    const spans = times([
      [0, 4],
      [1, 3],
      [1.5, 2],
      [6, Infinity]
    ]);
    assert.deepEqual([...busyIn(spans, 0, 8, 8)], [1, 3, 2, 1, 0, 0, 1, 1]);
    assert.deepEqual([...busyIn(spans, -2, 0, 2)], [0, 0]);
    assert.deepEqual([...busyIn(spans, 100, 102, 2)], [1, 1]);
  });

  test('is one where each begins when the one before has ended', () => {
    const chain = times(Array.from({ length: 100 }, (_, i) => [i / 10, (i + 1) / 10]));
    assert.deepEqual([...new Set(busyIn(chain, 0, 10, 7))], [1]);
  });

  test('is what a count by hand finds, at any scale', () => {
    const draw = numbers(5);
    const spans = Array.from({ length: 60 }, (): [number, number] => {
      const start = draw(1000) / 10;
      return [start, start + (1 + draw(150)) / 10];
    });
    for (const pieces of [1, 7, 50, 333]) {
      const found = busyIn(times(spans), 10, 90, pieces);
      for (let piece = 0; piece < pieces; piece++) {
        const [from, to] = [10 + (80 * piece) / pieces, 10 + (80 * (piece + 1)) / pieces];
        const moments = [from, ...spans.map(span => span[0]).filter(start => start > from && start < to)];
        const most = Math.max(...moments.map(at => spans.filter(([start, end]) => start <= at && end > at).length));
        assert.equal(found[piece], most, `piece ${piece} of ${pieces}`);
      }
    }
  });
});
