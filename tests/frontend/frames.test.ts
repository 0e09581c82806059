/** Frames: drawn soon when something has changed, and seldom when what moves by itself is slow to draw. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Frames } from '../../labextension/src/views/ui/frames';
import { FakePage } from './fake-page';

/** A page with one canvas; drawing takes `cost` milliseconds. */
class Page extends FakePage {
  draws: number[] = [];
  moves = false;
  readonly frames: Frames;

  constructor(cost: number) {
    super();
    this.frames = new Frames(time => {
      this.draws.push(time);
      this.now += cost;
      return this.moves;
    });
  }
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
  test('what moves can be told to move seldom, and a change does not wait for it', () => {
    const page = new Page(1);
    page.moves = true;
    page.frames.pauseMin = 1000;
    page.frames.invalidate();
    page.pass(10_000);
    assert.ok(page.draws.length >= 8 && page.draws.length <= 11, `${page.draws.length} pictures`);
    const drawn = page.draws.length;
    page.frames.invalidate();
    page.pass(10_050);
    assert.equal(page.draws.length, drawn + 1);
  });
});
