/** How many tasks ran at once, as the timeline draws it above its rows. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { busyIn, stepsOf } from '../../labextension/src/views/timeline/busy-draw';
import { workHelp, workTime, workWords } from '../../labextension/src/views/model/work-time';
import { numbers } from './play';

const times = (spans: readonly (readonly [number, number])[]): { starts: Float64Array; ends: Float64Array } => ({
  starts: Float64Array.from(spans.map(span => span[0])).sort(),
  ends: Float64Array.from(spans.map(span => span[1])).sort()
});

describe('how many ran at once', () => {
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

  test('is drawn as one step where it stays the same, and not where nothing ran', () => {
    assert.deepEqual(stepsOf([0, 2, 2, 1, 0, 0, 3, 3], 7), [
      { from: 1, to: 3, value: 2 },
      { from: 3, to: 4, value: 1 },
      { from: 6, to: 7, value: 3 }
    ]);
    assert.deepEqual(stepsOf([], 0), []);
  });
});

describe('how much ran in how much time', () => {
  test('counts only time in which something ran, and what runs until now', () => {
    const spans = times([
      [0, 2],
      [1, 3],
      [10, 11],
      [12, Infinity]
    ]);
    assert.deepEqual(workTime(spans, 15), { work: 8, passed: 7 });
    assert.deepEqual(workTime(times([]), 15), { work: 0, passed: 0 });
    assert.equal(workWords({ work: 8, passed: 4 }), '8.0 s of work in 4.0 s');
    assert.match(workHelp({ work: 8, passed: 4 }), / 2\.0 at once on average/);
    assert.equal(workWords({ work: 0, passed: 0 }) + workHelp({ work: 0, passed: 0 }), '');
  });

  test('is what a count by hand finds', () => {
    const draw = numbers(11);
    for (let round = 0; round < 50; round++) {
      const spans = Array.from({ length: 1 + draw(12) }, (): [number, number] => {
        const start = draw(40);
        return [start, start + draw(9)];
      });
      const covered = Array.from({ length: 60 }, (_, at) => spans.some(([start, end]) => start <= at && at < end));
      const found = workTime(times(spans), 100);
      assert.equal(found.passed, covered.filter(Boolean).length, JSON.stringify(spans));
      assert.equal(
        found.work,
        spans.reduce((sum, [start, end]) => sum + end - start, 0)
      );
    }
  });
});
