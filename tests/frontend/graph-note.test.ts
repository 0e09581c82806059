/** What the graph says when it has nothing to draw. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { whyNone } from '../../labextension/src/views/graph/graph-note';

test('an empty graph says whether nothing was called, the filter lets nothing pass, or tasks are too many to be listed', () => {
  assert.match(whyNone(0, 0).join(' '), /No tasks yet .* f\.remote\(1\)/);
  assert.match(whyNone(3, 3).join(' '), /No tasks pass the filter .* all cells and all functions/);
  assert.match(whyNone(50_017, 10_000).join(' '), /No listed task passes the filter Up to 10,000 tasks are listed/);
});
