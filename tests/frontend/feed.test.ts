/** The feed: what it asks of the kernel, and when. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ClosedListener, IChannel, IMessage, MessageListener } from '../../labextension/src/channel';
import { Feed } from '../../labextension/src/views/model/feed';
import { pageLater } from '../../labextension/src/views/model/presence';
import { TaskState } from '../../labextension/src/views/model/states';
import type { IFeedHeader } from '../../labextension/src/views/model/wire';
import { FakePage } from './fake-page';
import { message } from './message';

class FakeChannel implements IChannel {
  sent: string[] = [];
  listeners = new Set<MessageListener>();
  closed = new Set<ClosedListener>();

  send(content: IMessage): void {
    this.sent.push(content.kind);
  }

  listen(listener: MessageListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  onClosed(listener: ClosedListener): () => void {
    this.closed.add(listener);
    return () => this.closed.delete(listener);
  }

  receive([header, buffer]: [IFeedHeader | IMessage, DataView?]): void {
    this.listeners.forEach(listener => listener(header as IMessage, buffer ? [buffer] : []));
  }
}

function start(): { channel: FakeChannel; feed: Feed; clock: { ms: number } } {
  const channel = new FakeChannel();
  const clock = { ms: 0 };
  return { channel, clock, feed: new Feed(channel, () => clock.ms) };
}

/** As a page makes it: it has timers too. */
function startOnPage(): { channel: FakeChannel; feed: Feed; page: FakePage } {
  const [channel, page] = [new FakeChannel(), new FakePage()];
  return { channel, page, feed: new Feed(channel, () => page.now, undefined, null, pageLater) };
}

describe('a feed', () => {
  test('subscribes, and is live from the first snapshot on', () => {
    const { channel, feed } = start();
    assert.deepEqual(channel.sent, ['subscribe']);
    assert.equal(feed.status, 'connecting');
    channel.receive(message({ names: ['f'] }, [{ func: 0 }]));
    assert.equal(feed.status, 'live');
    assert.equal(feed.model.tasks.length, 1);
  });

  test('asks once for a snapshot after a gap, and again if none comes', () => {
    const { channel, feed, page } = startOnPage();
    channel.receive(message({}));
    channel.receive(message({ kind: 'delta', seq: 5 }));
    channel.receive(message({ kind: 'delta', seq: 6 }));
    assert.deepEqual(channel.sent, ['subscribe', 'resync']);
    assert.equal(feed.status, 'behind');
    page.pass(6000);
    channel.receive(message({ kind: 'delta', seq: 7 }));
    assert.deepEqual(channel.sent, ['subscribe', 'resync', 'resync']);
    channel.receive(message({}));
    assert.equal(feed.status, 'live');
    page.pass(600_000);
    assert.deepEqual(channel.sent, ['subscribe', 'resync', 'resync']);
  });

  test('that is not answered asks again, ever more rarely, until it is hidden, closed or disposed of', () => {
    for (const [end, kinds] of [
      [feed => feed.setVisible(false), ['hidden']],
      [feed => feed.dispose(), []],
      [(_, channel) => channel.closed.forEach(listener => listener(false)), []],
      [(_, channel) => channel.receive([{ kind: 'idle' }]), []]
    ] as [(feed: Feed, channel: FakeChannel) => void, string[]][]) {
      const { channel, feed, page } = startOnPage();
      page.pass(20_000);
      assert.deepEqual(channel.sent, ['subscribe', 'resync', 'resync']);
      end(feed, channel);
      page.pass(3_600_000);
      assert.deepEqual(channel.sent, ['subscribe', 'resync', 'resync', ...kinds]);
      assert.equal(page.waiting, 0);
    }
    const { channel, page } = startOnPage();
    page.pass(3_600_000);
    assert.equal(channel.sent.length, 11, 'not for ever');
  });

  test('that is seen again, and is not heard, says so again', () => {
    const { channel, feed, page } = startOnPage();
    channel.receive(message({}));
    feed.setVisible(false);
    feed.setVisible(true);
    page.pass(6000);
    assert.deepEqual(channel.sent, ['subscribe', 'hidden', 'visible', 'resync']);
  });

  test('that is seen but taken for hidden says so, unless it has just asked', () => {
    const { channel, feed, page } = startOnPage();
    channel.receive(message({}));
    feed.setVisible(false);
    channel.receive([{ kind: 'hidden' }]);
    feed.setVisible(true);
    channel.receive([{ kind: 'hidden' }]);
    assert.deepEqual(channel.sent, ['subscribe', 'hidden', 'visible']);
    channel.receive(message({}));
    channel.receive([{ kind: 'hidden' }]);
    assert.deepEqual(channel.sent, ['subscribe', 'hidden', 'visible', 'resync']);
    channel.receive(message({}));
    page.pass(60_000);
    assert.equal(channel.sent.length, 4);
  });

  test('that is hidden but told of tasks says so, once a minute', () => {
    const { channel, feed, clock } = start();
    channel.receive(message({}));
    feed.setVisible(false);
    channel.receive(message({ kind: 'delta', seq: 1 }));
    assert.deepEqual(channel.sent, ['subscribe', 'hidden'], 'it was on its way');
    clock.ms = 61_000;
    channel.receive(message({ kind: 'delta', seq: 2 }));
    channel.receive(message({ kind: 'delta', seq: 4 }));
    assert.deepEqual(channel.sent, ['subscribe', 'hidden', 'hidden'], 'nobody sees what is missing');
    assert.equal(feed.model.tasks.length, 0);
    feed.setVisible(true);
    assert.deepEqual(channel.sent, ['subscribe', 'hidden', 'hidden', 'visible']);
  });

  test('tells the kernel when it is hidden and when it is seen again, each once', () => {
    const { channel, feed } = start();
    channel.receive(message({}));
    feed.setVisible(true);
    feed.setVisible(false);
    feed.setVisible(false);
    assert.equal(feed.status, 'paused');
    feed.setVisible(true);
    assert.deepEqual(channel.sent, ['subscribe', 'hidden', 'visible']);
    assert.equal(feed.status, 'live');
  });

  test('knows the kernel without a cluster and the kernel that has gone', () => {
    const { channel, feed } = start();
    channel.receive([{ kind: 'idle' }]);
    assert.equal(feed.status, 'idle');
    channel.receive(message({}));
    assert.equal(feed.status, 'live');
    channel.closed.forEach(listener => listener(false));
    assert.equal(feed.status, 'closed');
  });

  test('of a session that has ended never passes for live, whatever is still told of it', () => {
    const { channel, feed } = start();
    channel.receive(message({ names: ['f'] }, [{ func: 0 }]));
    assert.equal(feed.status, 'live');
    channel.receive(message({ names: ['f'], ended: true }, [{ func: 0 }]));
    assert.deepEqual([feed.status, feed.ended], ['idle', true]);
    assert.equal(feed.model.tasks.state[0], TaskState.cancelled);
    channel.receive([{ kind: 'idle' }]);
    channel.receive(message({ kind: 'delta', seq: 1, ended: true }));
    assert.deepEqual([feed.status, feed.ended], ['idle', true]);
    channel.receive(message({ session: 'next' }));
    assert.deepEqual([feed.status, feed.ended], ['live', false]);
  });

  test('asks who holds an object, and hands the answer on until disposed', () => {
    const { channel, feed } = start();
    const told: (readonly string[])[] = [];
    feed.onObject(detail => told.push(detail.holders ?? []));
    feed.askObject('ab');
    assert.ok(channel.sent.includes('object'));
    channel.receive([{ kind: 'object', id: 'ab', holders: ['x', 'Out[3]'] }]);
    assert.deepEqual(told, [['x', 'Out[3]']]);
    feed.dispose();
    channel.receive([{ kind: 'object', id: 'ab', holders: [] }]);
    assert.equal(told.length, 1);
  });

  test('hands on details and changes, until disposed', () => {
    const { channel, feed } = start();
    const details: number[] = [];
    let changes = 0;
    feed.onDetail(detail => details.push(detail.id));
    feed.onChange(() => (changes += 1));
    feed.askDetail(4);
    channel.receive([{ kind: 'detail', id: 4, text: 'x' }]);
    channel.receive(message({}));
    assert.deepEqual(details, [4]);
    assert.equal(changes, 1);
    assert.ok(channel.sent.includes('detail'));
    feed.dispose();
    channel.receive(message({ kind: 'delta', seq: 1 }));
    assert.equal(changes, 1);
    assert.equal(channel.listeners.size + channel.closed.size, 0);
  });

  test('runs the clock of the kernel on between messages', () => {
    const { channel, feed, clock } = start();
    clock.ms = 50;
    channel.receive(message({ time: 2000 }));
    clock.ms = 1550;
    assert.equal(feed.now(), 2001.5);
  });
});
