/** What is said of a picture of which only a part is in sight. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hiddenSides, moreRows, moreThere } from '../../labextension/src/views/graph/edges';

const SPACE = { width: 400, height: 300 };

describe('a picture in its place', () => {
  test('says nothing where it fits, a margin aside', () => {
    assert.deepEqual(hiddenSides({ width: 400, height: 300 }, { x: 0, y: 0, scale: 1 }, SPACE), []);
    assert.deepEqual(hiddenSides({ width: 410, height: 300 }, { x: 0, y: -10, scale: 1 }, SPACE), []);
  });

  test('names the sides on which it goes on', () => {
    const picture = { width: 300, height: 500 };
    assert.deepEqual(hiddenSides(picture, { x: 50, y: 14, scale: 1 }, SPACE), ['below']);
    assert.deepEqual(hiddenSides(picture, { x: 50, y: -100, scale: 1 }, SPACE), ['above', 'below']);
    assert.deepEqual(hiddenSides(picture, { x: -50, y: 0, scale: 2 }, SPACE), ['below', 'to the left', 'to the right']);
  });

  test('says so in words where there is room for them, else with a mark', () => {
    assert.equal(moreThere(['below', 'to the left']), 'more below, to the left');
    assert.deepEqual([moreRows(['above', 'below']), moreRows(['below'])], ['▴▾ more', '▾ more']);
    assert.deepEqual([moreThere([]), moreRows([])], ['', '']);
  });
});
