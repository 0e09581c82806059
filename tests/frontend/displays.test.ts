/** Several displays of one widget: the kernel hears of them as of one. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ClosedListener, IChannel } from '../../labextension/src/channel';
import { Displays } from '../../labextension/src/displays';
import { Feed } from '../../labextension/src/views/model/feed';
import { message } from './message';

/** The one line of a widget, as each display has it from its host. */
class Line {
  sent: string[] = [];
  listeners = new Set<Parameters<IChannel['listen']>[0]>();
  /** Milliseconds. */
  clock = 0;

  /** A display's own view of it, and what ends it. */
  open(): { readonly channel: IChannel; readonly closed: Set<ClosedListener> } {
    const closed = new Set<ClosedListener>();
    const channel: IChannel = {
      send: ({ kind }) => this.sent.push(kind),
      listen: listener => {
        this.listeners.add(listener);
        return () => this.listeners.delete(listener);
      },
      onClosed: listener => {
        closed.add(listener);
        return () => closed.delete(listener);
      }
    };
    return { channel, closed };
  }

  /** What has been sent since the last time. */
  take(): string[] {
    return this.sent.splice(0);
  }
}

function two(): { line: Line; displays: Displays; first: Feed; second: Feed } {
  const line = new Line();
  const displays = new Displays();
  const [first, second] = [1, 2].map(() => new Feed(displays.join(line.open().channel), () => line.clock));
  assert.deepEqual(line.take(), ['subscribe', 'subscribe']);
  return { line, displays, first, second };
}

describe('two displays of one widget', () => {
  test('are sent what is new while one of them is seen', () => {
    const { line, first, second } = two();
    first.setVisible(false);
    assert.deepEqual(line.take(), []);
    const [header, buffer] = message({ names: ['f'] }, [{ func: 0 }]);
    line.listeners.forEach(listener => listener(header as never, [buffer]));
    assert.equal(second.status, 'live');
    assert.equal(second.model.tasks.length, 1);
    second.setVisible(false);
    assert.deepEqual(line.take(), ['hidden']);
    first.setVisible(true);
    second.setVisible(true);
    assert.deepEqual(line.take(), ['visible']);
    assert.equal(first.model.tasks.length, 1);
  });

  test('say again that nobody sees them, when none does', () => {
    const { line, first, second } = two();
    first.setVisible(false);
    const delta = message({ kind: 'delta', seq: 1 })[0];
    second.setVisible(false);
    assert.deepEqual(line.take(), ['hidden']);
    line.clock = 61_000;
    line.listeners.forEach(listener => listener(delta as never, []));
    assert.deepEqual(line.take(), ['hidden', 'hidden']);
    second.setVisible(true);
    line.take();
    line.clock = 200_000;
    line.listeners.forEach(listener => listener(delta as never, []));
    assert.ok(!line.take().includes('hidden'), 'the other one is seen');
  });

  test('are hidden when the one that is left is out of sight, and when none is left', () => {
    const line = new Line();
    const displays = new Displays();
    const [first, second] = [displays.join(line.open().channel), displays.join(line.open().channel)];
    [first, second].forEach(display => display.send({ kind: 'subscribe' }));
    line.take();
    second.send({ kind: 'hidden' });
    assert.deepEqual(line.take(), []);
    first.leave();
    assert.deepEqual(line.take(), ['hidden']);
    second.leave();
    assert.deepEqual(line.take(), []);
    displays.join(line.open().channel).send({ kind: 'subscribe' });
    assert.deepEqual(line.take(), ['subscribe']);
  });

  test('pass on all else', () => {
    const { line, second } = two();
    second.askDetail(3);
    assert.deepEqual(line.take(), ['detail']);
  });

  test('both learn that their kernel has ended, from whichever hears of it', () => {
    const line = new Line();
    const displays = new Displays();
    const [one, other] = [line.open(), line.open()];
    const feeds = [one, other].map(({ channel }) => new Feed(displays.join(channel), () => 0));
    one.closed.forEach(listener => listener(true));
    assert.deepEqual(
      feeds.map(feed => feed.status),
      ['closed', 'closed']
    );
  });
});
