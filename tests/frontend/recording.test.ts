/** Recordings: how they are read, how a feed moves through them, and the bar that moves it. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { IMessage } from '../../labextension/src/channel';
import { readFrames, RecordedChannel } from '../../labextension/src/recording';
import { Feed } from '../../labextension/src/views/model/feed';
import { Model } from '../../labextension/src/views/model/model';
import { TaskState } from '../../labextension/src/views/model/states';
import { describeMoment, speedFor } from '../../labextension/src/views/controls/time-bar';
import type { Interval } from '../../labextension/src/views/model/time-scale';
import { busyTimes, TimeScale } from '../../labextension/src/views/model/time-scale';
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

  test('of a recording calls each task by the number that the views have called it by', () => {
    const { feed, play, channel } = recorded();
    const shown: [number, number][] = [
      [1, 40],
      [3, 1]
    ];
    channel.play([...frames(play), { message: { kind: 'recorded', numbers: shown }, buffers: [] }]);
    const titles = (): string[] => [0, 1, 2, 3, 4].map(task => feed.model.titleOf(task).split(' ')[1]);
    assert.deepEqual(titles(), ['#0', '#40', '#41', '#1', '#2']);
    feed.goTo(1004);
    assert.deepEqual(titles(), ['#0', '#40', '#41', '#1', '#2'], 'also where they look back');
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

describe('the scale of time', () => {
  test('is even without tasks, and nearly skips rests', () => {
    const even = new TimeScale([], 10, 20);
    assert.equal(even.timeAt(0.5), 15);
    assert.equal(even.placeOf(12), 0.2);
    const busy: Interval[] = [
      [100, 104],
      [1000, 1006]
    ];
    const scale = new TimeScale(busy, 0, 5000);
    assert.ok(Math.abs(scale.length - 11) < 1e-9, 'ten busy seconds, and a tenth for the rests');
    assert.equal(scale.timeAt(0), 0);
    assert.equal(scale.timeAt(1), 5000);
    assert.ok(scale.placeOf(104) > 0.35 && scale.placeOf(1000) < 0.45);
    let last = -1;
    for (let place = 0; place <= 1; place += 0.01) {
      const time = scale.timeAt(place);
      assert.ok(time > last);
      assert.ok(Math.abs(scale.placeOf(time) - place) < 1e-9);
      last = time;
    }
  });

  test('knows when something went on, in whatever order it was listed', () => {
    const model = new Model();
    const created = [1, 2, 10, 4, 30];
    const ends = [3, 5, 12, 4.5, 0];
    model.apply(
      ...message(
        { names: ['f'] },
        created.map(time => ({ func: 0, created: time })),
        ends.map((end, id) => ({ id, state: end > 0 ? TaskState.done : TaskState.running, start: created[id], end }))
      )
    );
    assert.deepEqual(busyTimes(model.tasks, 40), [
      [1, 5],
      [10, 12],
      [30, 40]
    ]);
  });

  test('of nothing is at its end', () => {
    assert.equal(new TimeScale([], 5, 5).placeOf(5), 1);
  });
});
