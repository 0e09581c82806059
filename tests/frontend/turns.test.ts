/** Turns: views that are told something at about the same time are drawn together, and a slow page has fewer turns. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Inbox } from '../../labextension/src/views/model/inbox';
import { Rush } from '../../labextension/src/views/model/rush';
import { Model } from '../../labextension/src/views/model/model';
import { Turns } from '../../labextension/src/views/model/turns';
import type { IFeedHeader } from '../../labextension/src/views/model/wire';
import { FakePage } from './fake-page';
import { message } from './message';

/** A page on which a turn takes `cost` milliseconds and the frame after it `paint`. */
function start(cost = 0, paint = 0): { page: FakePage; turns: Turns; taken: number[]; take: () => void } {
  const page = new FakePage();
  page.paint = paint;
  const taken: number[] = [];
  const take = (): void => {
    taken.push(page.now);
    page.now += cost;
  };
  return { page, turns: new Turns(), taken, take };
}

describe('turns', () => {
  test('what comes at about the same time is taken in at the same time', () => {
    const { page, turns, taken, take } = start();
    const other = (): void => take();
    turns.ask(take);
    page.pass(10);
    turns.ask(other);
    turns.ask(take);
    page.pass(200);
    assert.equal(taken.length, 2);
    assert.equal(taken[0], taken[1]);
    assert.ok(taken[0] < 30, 'soon');
  });

  test('nothing is asked of the page when nobody asks', () => {
    const { page, turns, take } = start();
    turns.ask(take);
    page.pass(1000);
    assert.equal(page.waiting, 0);
  });

  test('a slow page has fewer turns, a fast one as many as are asked for', () => {
    for (const [cost, paint, least, most] of [
      [1, 1, 45, 51],
      [10, 10, 25, 50],
      [20, 60, 20, 30]
    ]) {
      const { page, turns, taken, take } = start(cost, paint);
      for (let at = 0; at < 10_000; at += 200) {
        turns.ask(take);
        page.pass(at + 200);
      }
      assert.ok(taken.length >= least && taken.length <= most, `${taken.length} turns of ${cost} and ${paint} ms`);
    }
  });

  test('one that fails does not take the turn of the others, and one that has gone has none', () => {
    const { page, turns, taken, take } = start();
    const told: unknown[] = [];
    (globalThis as unknown as Record<string, unknown>).reportError = (error: unknown) => told.push(error);
    const gone = (): void => assert.fail('it no longer wanted it');
    turns.ask(() => {
      throw new Error('no');
    });
    turns.ask(gone);
    turns.ask(take);
    turns.drop(gone);
    page.pass(100);
    assert.equal(taken.length, 1);
    assert.equal(told.length, 1);
  });
});

describe('an inbox', () => {
  test('keeps the order, hands all on at once, and forgets what it holds when it is disposed of', () => {
    const { page, turns } = start();
    const taken: number[][] = [];
    const inbox = new Inbox(arrived => taken.push(arrived.map(({ header }) => header.seq)), turns);
    const put = (seq: number): void => inbox.put({ header: { seq } as IFeedHeader, buffer: undefined, at: 0 });
    put(1);
    put(2);
    page.pass(100);
    put(3);
    inbox.flush();
    assert.deepEqual(taken, [[1, 2], [3]]);
    put(4);
    inbox.dispose();
    page.pass(1000);
    assert.equal(taken.length, 2);
  });
});

describe('a rush', () => {
  test('is many tasks in a second, also when they are no longer listed, and ends with the next quiet message', () => {
    const [model, rush] = [new Model(), new Rush()];
    const tell = (seq: number, time: number, done: number): boolean => {
      const kind = seq === 0 ? 'snapshot' : 'delta';
      const [header, buffer] = message({ kind, seq, time, names: seq === 0 ? ['f'] : [] });
      const limits = { tasks_listed: 0, tasks_total: done };
      model.apply({ ...header, groups: [[0, 0, 0, 0, done, 0, 0]], limits }, buffer);
      rush.note(model);
      return rush.on;
    };
    assert.equal(tell(0, 100, 5_000), false, 'nobody knows when these came');
    assert.equal(tell(1, 100.2, 5_080), false);
    assert.equal(tell(2, 100.4, 5_480), true);
    assert.equal(tell(3, 101.4, 5_580), false);
    assert.equal(tell(4, 130.4, 5_780), true, 'at once');
  });
});
