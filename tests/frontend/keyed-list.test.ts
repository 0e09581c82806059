/** Lists of the page that are kept in step with rows: order, and which elements stay. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KeyedList } from '../../labextension/src/views/ui/dom';
import { numbers } from './play';

/** As much of an element as such a list uses. */
class Place {
  readonly children: Place[] = [];
  parent: Place | null = null;
  shows = '';
  get firstElementChild(): Place | null {
    return this.children[0] ?? null;
  }
  get nextElementSibling(): Place | null {
    return this.parent!.children[this.parent!.children.indexOf(this) + 1] ?? null;
  }
  insertBefore(child: Place, next: Place | null): void {
    child.remove();
    this.children.splice(next ? this.children.indexOf(next) : this.children.length, 0, child);
    child.parent = this;
  }
  remove(): void {
    this.parent?.children.splice(this.parent.children.indexOf(this), 1);
    this.parent = null;
  }
  contains(other: unknown): boolean {
    return other === this;
  }
}

const page = { activeElement: null as Place | null };
(globalThis as unknown as { document: typeof page }).document = page;

function listOf(reuses: boolean): { place: Place; made: () => number; show: (keys: readonly string[]) => void } {
  const place = new Place();
  let made = 0;
  const list = new KeyedList<string>(
    place as unknown as HTMLElement,
    () => {
      made += 1;
      return new Place() as unknown as HTMLElement;
    },
    (element, row) => ((element as unknown as Place).shows = row),
    reuses
  );
  return { place, made: () => made, show: keys => list.show(keys.map(key => [key, key])) };
}

describe('a list that is kept in step with rows', () => {
  for (const reuses of [false, true]) {
    test(`shows them in their order${reuses ? ', with elements used again' : ''}`, () => {
      const draw = numbers(7);
      const { place, show } = listOf(reuses);
      for (let round = 0; round < 200; round++) {
        const keys = [...new Set(Array.from({ length: draw(9) }, () => `k${draw(14)}`))];
        const before = new Map(place.children.map(child => [child.shows, child]));
        show(keys);
        assert.deepEqual(
          place.children.map(child => child.shows),
          keys
        );
        // what stays is the same element: scroll position, focus and hover survive
        place.children.forEach(child => assert.equal(child, before.get(child.shows) ?? child));
      }
    });
  }

  test('uses elements again where rows come and go, but not the one with the focus', () => {
    const { place, made, show } = listOf(true);
    show(['a', 'b', 'c']);
    const [first, second, third] = place.children;
    show(['d', 'e', 'f']);
    assert.deepEqual(place.children, [first, second, third]);
    page.activeElement = second;
    show(['g', 'h', 'i']);
    page.activeElement = null;
    assert.equal(made(), 4);
    assert.ok(!place.children.includes(second));
    show(['i']);
    assert.equal(place.children.length, 1);
  });
});
