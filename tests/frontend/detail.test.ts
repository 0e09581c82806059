/** The card of a task whose place changes while the card looks the same. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IChannel, MessageListener } from '../../labextension/src/channel';
import { Feed } from '../../labextension/src/views/model/feed';
import { TaskState } from '../../labextension/src/views/model/states';
import type { IViewContext } from '../../labextension/src/views/context';
import { DetailCard } from '../../labextension/src/views/ui/detail';
import { message } from './message';

/** As much of an element as a card uses. */
class FakeElement {
  readonly children: FakeElement[] = [];
  readonly attributes = new Map<string, string>();
  readonly clicks: (() => void)[] = [];
  className = '';
  hidden = false;
  private _text = '';
  constructor(readonly tagName: string) {}
  get textContent(): string {
    return this._text + this.children.map(child => child.textContent).join('');
  }
  set textContent(text: string) {
    this.children.length = 0;
    this._text = text;
  }
  get firstChild(): null {
    return null;
  }
  get lastElementChild(): FakeElement | undefined {
    return this.children[this.children.length - 1];
  }
  append(...children: FakeElement[]): void {
    children.forEach(child => child.remove());
    this.children.push(...children);
    children.forEach(child => (child._parent = this));
  }
  replaceChildren(...children: FakeElement[]): void {
    this.children.length = 0;
    this.append(...children);
  }
  replaceWith(other: FakeElement): void {
    const { children } = this._parent!;
    children[children.indexOf(this)] = other;
    other._parent = this._parent;
  }
  remove(): void {
    this._parent?.children.splice(this._parent.children.indexOf(this), 1);
    this._parent = null;
  }
  isEqualNode(other: FakeElement): boolean {
    const own = (element: FakeElement): string =>
      JSON.stringify([element.tagName, element.className, [...element.attributes], element._text]);
    return (
      own(this) === own(other) &&
      this.children.length === other.children.length &&
      this.children.every((child, i) => child.isEqualNode(other.children[i]))
    );
  }
  setAttribute(name: string, value: string): void {
    this.attributes.set(name, value);
  }
  getAttribute(name: string): string | null {
    return this.attributes.get(name) ?? null;
  }
  addEventListener(type: string, call: () => void): void {
    if (type === 'click') {
      this.clicks.push(call);
    }
  }
  contains(): boolean {
    return false;
  }
  /** Itself and all in it. */
  *all(): IterableIterator<FakeElement> {
    yield this;
    for (const child of this.children) {
      yield* child.all();
    }
  }
  private _parent: FakeElement | null = null;
}

class FakeText extends FakeElement {
  constructor(text: string) {
    super('#text');
    this.textContent = text;
  }
}

Object.assign(globalThis, {
  HTMLElement: FakeElement,
  Node: { TEXT_NODE: 3 },
  document: {
    activeElement: null,
    createElement: (tag: string) => new FakeElement(tag.toUpperCase()),
    createElementNS: (_: string, tag: string) => new FakeElement(tag),
    createTextNode: (text: string) => new FakeText(text)
  }
});

test('its buttons mean the tasks that they name, also when others have left the list', () => {
  const sent: unknown[] = [];
  const listeners: MessageListener[] = [];
  const channel: IChannel = {
    send: said => sent.push(said),
    listen: listener => {
      listeners.push(listener);
      return () => undefined;
    },
    onClosed: () => () => undefined
  };
  const feed = new Feed(channel);
  const say = ([header, buffer]: ReturnType<typeof message>): void =>
    listeners.forEach(listener => listener(header as never, [buffer]));
  const ends = { state: TaskState.done, worker: 0 };
  const workers = [{ id: 'w0', pid: 1, label: 'w 0' }];
  say(
    message(
      { names: ['f'], workers },
      Array.from({ length: 6 }, (_, i) => ({ func: 0, deps: i === 3 ? [2] : [] })),
      [
        { id: 0, ...ends },
        { id: 1, ...ends }
      ]
    )
  );
  const meant: string[] = [];
  const card = new DetailCard({ feed } as unknown as IViewContext, {
    select: task => meant.push(feed.model.titleOf(task)),
    focus: task => meant.push(`around ${feed.model.titleOf(task)}`),
    close: () => undefined
  });
  const click = (text: string): void => {
    const found = [...(card.node as unknown as FakeElement).all()].find(
      each => each.tagName === 'BUTTON' && each.textContent === text
    );
    found!.clicks.forEach(call => call());
  };
  card.show({ task: 3 });
  say(message({ kind: 'delta', seq: 1 }, [], [], [0, 1]));
  card.update();
  click('cancel');
  click('show neighbours');
  click('f #2');
  assert.deepEqual(sent.slice(-1), [{ kind: 'cancel', id: 3 }]);
  assert.deepEqual(meant, ['around f #3', 'f #2']);
});
