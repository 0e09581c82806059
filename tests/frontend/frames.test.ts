/** Frames: drawn soon when something has changed, and seldom when what moves by itself is slow to draw. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Frames } from '../../labextension/src/views/frames';

/** A page whose time passes when a test says so; drawing takes `cost` milliseconds. */
class Page {
  now = 0;
  draws: number[] = [];
  moves = false;
  readonly frames: Frames;

  constructor(cost: number) {
    const due = new Map<number, { at: number; call: (time: number) => void }>();
    let serial = 0;
    const add = (at: number, call: (time: number) => void): number => {
      due.set(++serial, { at, call });
      return serial;
    };
    const drop = (id: number): boolean => due.delete(id);
    const page = globalThis as unknown as Record<string, unknown>;
    const nextFrame = (): number => (Math.floor(this.now / 16) + 1) * 16;
    page.requestAnimationFrame = (call: (time: number) => void) => add(nextFrame(), call);
    page.cancelAnimationFrame = drop;
    page.window = { setTimeout: (call: () => void, after: number) => add(this.now + after, call), clearTimeout: drop };
    page.performance = { now: () => this.now };
    this.pass = until => {
      for (;;) {
        const [id, next] = [...due].sort((a, b) => a[1].at - b[1].at)[0] ?? [0, null];
        if (!next || next.at > until) {
          break;
        }
        due.delete(id);
        this.now = Math.max(this.now, next.at);
        next.call(this.now);
      }
      this.now = Math.max(this.now, until);
    };
    this.frames = new Frames(time => {
      this.draws.push(time);
      this.now += cost;
      return this.moves;
    });
  }

  readonly pass: (until: number) => void;
}

describe('frames', () => {
  test('many changes are one picture, and nothing is drawn without any', () => {
    const page = new Page(2);
    page.pass(100);
    assert.deepEqual(page.draws, []);
    page.frames.invalidate();
    page.frames.invalidate();
    page.pass(1000);
    assert.equal(page.draws.length, 1);
  });

  test('what moves is drawn as often as may be while that is cheap', () => {
    const page = new Page(1);
    page.moves = true;
    page.frames.invalidate();
    page.pass(1000);
    assert.ok(page.draws.length >= 20 && page.draws.length <= 31, `${page.draws.length} pictures`);
  });

  test('what is slow to draw takes a tenth of the time, and a change does not wait for it', () => {
    const page = new Page(40);
    page.moves = true;
    page.frames.invalidate();
    page.pass(20_000);
    const drawn = page.draws.length;
    assert.ok(drawn * 40 < 20_000 / 8 && drawn >= 20, `${drawn} pictures`);
    page.frames.invalidate();
    page.pass(20_032);
    assert.equal(page.draws.length, drawn + 1);
    page.frames.dispose();
    page.pass(30_000);
    assert.equal(page.draws.length, drawn + 1);
  });
});
