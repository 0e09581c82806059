/** Words and numbers as people, screen readers and browser tests read them. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatBytes, formatDuration, plural, shortCount, shorten } from '../../labextension/src/views/ui/format';
import { describeTasks, shortWords } from '../../labextension/src/views/model/states';

test('a task graph describes itself in counts by state', () => {
  const text = 'task graph: 3 waiting, 0 ready, 2 running, 10 done, 0 failed, 0 cancelled';
  assert.equal(describeTasks([3, 0, 2, 10, 0, 0]), text);
  assert.equal(describeTasks([12345, 0, 0, 0, 0, 0]).slice(0, 25), 'task graph: 12345 waiting');
});

test('short words leave out zeros and put failures first', () => {
  assert.equal(shortWords([3, 0, 2, 10, 1, 0]), '1 failed · 2 running · 3 waiting');
  assert.equal(shortWords([0, 0, 0, 7, 0, 0]), 'all done');
  assert.equal(shortWords([0, 0, 0, 0, 0, 0]), '');
});

test('sizes never read "1000.0 kB"', () => {
  assert.equal(formatBytes(0), '0 B');
  assert.equal(formatBytes(999), '999 B');
  assert.equal(formatBytes(3_400_000), '3.4 MB');
  assert.equal(formatBytes(999_499), '999 kB');
  assert.equal(formatBytes(999_500), '1.0 MB');
  assert.equal(formatBytes(2_000_000_000), '2 GB');
});

test('durations use the unit that fits', () => {
  assert.equal(formatDuration(0.00034), '340 µs');
  assert.equal(formatDuration(0.0123), '12 ms');
  assert.equal(formatDuration(3.44), '3.4 s');
  assert.equal(formatDuration(125), '2 min 5 s');
  assert.equal(formatDuration(3840), '1 h 4 min');
  assert.equal(formatDuration(-1), '–');
});

test('counts and names are worded', () => {
  assert.deepEqual([9_999, 20_055, 1_234_567].map(shortCount), ['9,999', '20k', '1.2M']);
  assert.equal(plural(1, 'task'), '1 task');
  assert.equal(plural(1200, 'dependency', 'dependencies'), '1,200 dependencies');
  assert.equal(shorten('package.module.parse', 12), 'parse');
  assert.equal(shorten('a_very_long_function_name', 12), 'a_very…_name');
});
