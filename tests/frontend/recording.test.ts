/** Recordings: how they are read, how a feed moves through them, and the bar that moves it. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { IMessage } from '../../labextension/src/channel';
import { readFrames, RecordedChannel } from '../../labextension/src/recording';
import { Feed } from '../../labextension/src/views/feed';
import { describeMoment, speedFor } from '../../labextension/src/views/time-bar';
import { message } from './message';
import { numbers, Play, seen } from './play';

describe('a feed', () => {
  function recorded(): { feed: Feed; play: Play; channel: RecordedChannel } {
    const play = new Play(numbers(9));
    for (let i = 0; i < 20; i++) {
      play.step();
    }
    const channel = new RecordedChannel();
    const feed = new Feed(channel);
    return { play, feed, channel };
  }

  const frames = (play: Play): { message: IMessage; buffers: DataView[] }[] =>
    play.messages.map(([header, buffer]) => ({ message: header as unknown as IMessage, buffers: [buffer] }));

  test('of a recording shows its end, any time, and its end again', () => {
    const { feed, play, channel } = recorded();
    channel.play([...frames(play), { message: { kind: 'recorded', note: 'a gap' }, buffers: [] }]);
    assert.equal(feed.status, 'recorded');
    assert.equal(feed.note, 'a gap');
    assert.equal(feed.canAct, false);
    assert.deepEqual(feed.span(), [1000, 1005]);
    assert.equal(feed.now(), 1005);
    feed.goTo(1002);
    assert.equal(feed.status, 'past');
    assert.equal(feed.now(), 1002);
    assert.ok(feed.model.tasks.length < feed.live.tasks.length);
    feed.goTo(null);
    assert.equal(seen(feed.model), seen(play.live));
  });

  test('shows the past while it is told what happens, and comes back to now', () => {
    const { feed, play, channel } = recorded();
    const told = frames(play);
    channel.play(told.slice(0, 10));
    feed.goTo(1001);
    const then = seen(feed.model);
    channel.play(told.slice(10));
    assert.equal(seen(feed.model), then);
    assert.equal(feed.status, 'past');
    feed.goTo(null);
    assert.equal(feed.status, 'live');
    assert.equal(seen(feed.model), seen(play.live));
  });

  test('leaves the past of a session that is gone', () => {
    const { feed, play, channel } = recorded();
    channel.play(frames(play));
    feed.goTo(1001);
    const [header, buffer] = message({ session: 'another', time: 2000 });
    channel.play([{ message: header as unknown as IMessage, buffers: [buffer] }]);
    assert.equal(feed.at, null);
    assert.equal(feed.model.session, 'another');
  });
});

describe('a recording', () => {
  test('is read frame by frame', () => {
    const header = new TextEncoder().encode('{"kind":"delta"}');
    const data = new Uint8Array(2 * (8 + header.length) + 3);
    const lengths = new DataView(data.buffer);
    lengths.setUint32(0, header.length, true);
    data.set(header, 8);
    const second = 8 + header.length;
    lengths.setUint32(second, header.length, true);
    lengths.setUint32(second + 4, 3, true);
    data.set(header, second + 8);
    data.set([7, 8, 9], second + 8 + header.length);
    const frames = readFrames(data.buffer);
    assert.deepEqual(
      frames.map(frame => [frame.message.kind, frame.buffers.length]),
      [
        ['delta', 0],
        ['delta', 1]
      ]
    );
    assert.equal(frames[1].buffers[0].getUint8(2), 9);
    assert.throws(() => readFrames(data.buffer.slice(0, data.length - 12)));
  });
});

describe('the bar of time', () => {
  test('says where one is', () => {
    assert.equal(describeMoment(1002.5, 1000, 1010, true), '2.5 s of 10 s');
    assert.equal(describeMoment(null, 1000, 1010, true), '10 s of 10 s');
    assert.equal(describeMoment(1002.5, 1000, 1010, false), '7.5 s before now');
    assert.equal(describeMoment(null, 1000, 1010, false), 'now');
  });

  test('plays a long run fast and a short one slowly', () => {
    assert.equal(speedFor(0.3), 0.02);
    assert.equal(speedFor(20), 1);
    assert.equal(speedFor(3600), 200);
    assert.equal(speedFor(1e6), 500);
  });
});
