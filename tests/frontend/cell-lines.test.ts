/** From the line that Python counts to the line of the cell. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { linesBeforeCode } from '../../labextension/src/cell-lines';

describe('lines before the code of a cell', () => {
  const cases: readonly (readonly [source: string, before: number])[] = [
    ['f.remote()', 0],
    ['\n  \nf.remote()', 2],
    ['%%time\nf.remote()', 1],
    ['\n%%capture out\nf.remote()', 2],
    ['%%remote -o x\nf.remote()', 0],
    ['%%remotely\nf.remote()', 1],
    ['%time f.remote()', 0],
    ['', 0],
    ['\n\n', 0]
  ];
  for (const [source, before] of cases) {
    test(`${before}: ${JSON.stringify(source)}`, () => assert.equal(linesBeforeCode(source), before));
  }
});
