/** The card of an object: what it says. */

import assert from 'node:assert/strict';
import { describe as group, test } from 'node:test';
import { nodesOf } from '../../labextension/src/views/model/object-rows';
import { describe } from '../../labextension/src/views/objects/object-card';

group('the card of an object', () => {
  test('names holders first, then where it comes from', () => {
    const facts = describe({
      id: 'ab',
      holders: ['results[3]', 'Keeper.self.kept in Keeper (pid 7)'],
      call_site: 'In [4]:2',
      owner: 'driver (pid 5)',
      copies: 2,
      complete: true
    });
    assert.deepEqual(facts, [
      ['held by', 'results[3]'],
      ['', 'Keeper.self.kept in Keeper (pid 7)'],
      ['asked for in', 'In [4], line 2'],
      ['owner', 'driver (pid 5)'],
      ['copies', '2, one on each of as many nodes']
    ]);
  });

  test('says when it does not know, and when not all have answered', () => {
    assert.deepEqual(describe({ id: 'ab' }), [['held by', 'nobody that answered']]);
    const facts = describe({ id: 'ab', holders: ['x'], copies: 1, complete: false });
    assert.deepEqual(facts, [
      ['held by', 'x'],
      ['', 'Some processes could not say all in time.']
    ]);
  });

  test('lists no more than people read', () => {
    const facts = describe({ id: 'ab', holders: Array.from({ length: 30 }, (_, n) => `x${n}`) });
    assert.equal(facts.length, 13);
    assert.deepEqual(facts[12], ['', 'and 18 more']);
  });
});

group('the row of an object', () => {
  test('names each node on which it lies', () => {
    const nodes = new Map([
      ['aa', { label: 'node 1' }],
      ['bb', { label: 'node 2' }]
    ]);
    assert.equal(nodesOf(nodes, { node: 'aa' }), 'node 1');
    assert.equal(nodesOf(nodes, { node: 'aa bb' }), 'node 1, node 2');
    assert.equal(nodesOf(nodes, { node: 'cc' }), 'another node');
    assert.equal(nodesOf(nodes, { node: '' }), '');
  });
});
