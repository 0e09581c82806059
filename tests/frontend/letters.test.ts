/** Letters on canvases: none is too small to be read, and names are cut where it does least harm. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { figureForms, textSize, TEXT_MIN_PX } from '../../labextension/src/views/graph/box-text';
import { fitName } from '../../labextension/src/views/ui/draw';
import type { IPalette } from '../../labextension/src/views/ui/theme';
import type { IBox, IInscription } from '../../labextension/src/views/timeline/timeline-names';
import { bearsName, NameRuns } from '../../labextension/src/views/timeline/timeline-names';

/** Each letter is 6 pixels wide; notes what is written where. */
class Paper {
  readonly written: [text: string, x: number][] = [];
  measureText(text: string): { width: number } {
    return { width: 6 * text.length };
  }
  fillText(text: string, x: number): void {
    this.written.push([text, x]);
  }
  strokeText(): void {
    // a halo
  }
}

const palette = { font: 'any' } as unknown as IPalette;
const box = (x: number, width: number): IBox => ({ x, y: 0, width, height: 12 });
const named = (name: string): IInscription => ({ name, fill: name, text: '#000' });

function runsOf(spans: readonly (readonly [name: string, x: number, width: number])[]): Paper['written'] {
  const paper = new Paper();
  const runs = new NameRuns(paper as unknown as CanvasRenderingContext2D, palette);
  spans.forEach(([name, x, width]) => runs.add(named(name), box(x, width)));
  runs.end();
  return paper.written;
}

describe('letters in the boxes of functions', () => {
  test('are never smaller on the screen than can be read; else there are none', () => {
    for (let scale = 0.1; scale <= 3; scale += 0.01) {
      const size = textSize(11, scale);
      assert.ok(size === 0 || size * scale >= TEXT_MIN_PX - 1e-9, `${size} at ${scale}`);
    }
    assert.ok(textSize(11, 0.72) > 0, 'as small as the camera makes the picture by itself they are there');
    assert.equal(textSize(13, 1), 13);
    assert.equal(textSize(11, 0.3), 0);
  });

  test('say less beside a long name', () => {
    const facts = { name: 'f', counts: [0, 0, 1, 257, 0, 0], total: 1294, retried: 0, perCell: 1 };
    assert.deepEqual(figureForms(facts), ['257 / 1,294', '257/1,294']);
  });
});

describe('names', () => {
  test('are cut in the middle, for they often differ in how they end', () => {
    const paper = new Paper() as unknown as CanvasRenderingContext2D;
    assert.equal(fitName(paper, 'preprocess_v2', 60), 'prepr…s_v2');
    assert.equal(fitName(paper, 'preprocess_v2', 600), 'preprocess_v2');
    assert.equal(fitName(paper, 'preprocess_v2', 5), '');
  });

  test('stand upon a span on which they fit, and upon a wide one in part', () => {
    const paper = new Paper() as unknown as CanvasRenderingContext2D;
    const bears = (name: string, width: number): boolean => bearsName(paper, palette, name, box(0, width), false);
    assert.ok(bears('load', 32) && !bears('load', 31));
    assert.ok(bears('a_very_long_name_of_a_function', 90) && !bears('a_very_long_name_of_a_function', 89));
  });

  test('stand once upon narrow spans that follow each other', () => {
    const narrow = [0, 10, 20, 30, 40].map(x => ['parse', x, 9] as const);
    assert.deepEqual(runsOf(narrow), [['parse', 24.5]]);
  });

  test('stand again where another function or a gap comes between', () => {
    const written = runsOf([
      ['parse', 0, 20],
      ['parse', 21, 20],
      ['join', 42, 40],
      ['parse', 83, 40],
      ['parse', 150, 40]
    ]);
    assert.deepEqual(
      written.map(([text]) => text),
      ['parse', 'join', 'parse', 'parse']
    );
  });

  test('are one letter upon a narrow span alone, and none where not even that fits', () => {
    assert.deepEqual(runsOf([['parse', 0, 12]]), [['p', 6]]);
    assert.deepEqual(runsOf([['parse', 0, 5]]), []);
  });
});
