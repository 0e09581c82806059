/** What a view says when there is nothing live to see, and what has become of what it shows. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ClosedListener, IChannel } from '../../labextension/src/channel';
import { Feed } from '../../labextension/src/views/model/feed';
import { noteFor } from '../../labextension/src/views/controls/session-note';
import { TaskState } from '../../labextension/src/views/model/states';
import { message } from './message';

function started(): { readonly feed: Feed; readonly end: ClosedListener } {
  let tell: (header: unknown, buffers: DataView[]) => void = () => undefined;
  let end: ClosedListener = () => undefined;
  const channel: IChannel = {
    send: () => undefined,
    listen: listener => {
      tell = listener as typeof tell;
      return () => undefined;
    },
    onClosed: listener => {
      end = listener;
      return () => undefined;
    }
  };
  const feed = new Feed(channel, () => 0);
  const [header, buffer] = message({ names: ['f'] }, [{ func: 0 }]);
  tell(header, [buffer]);
  return { feed, end: ended => end(ended) };
}

describe('the note', () => {
  test('is there when nothing is live, with the next step', () => {
    for (const [status, hasSession, inCell, part] of [
      ['idle', false, true, '%remote start'],
      ['idle', true, false, 'The session has ended.'],
      ['closed', true, true, 'Run this cell again'],
      ['closed', true, false, '%load_ext gnomon']
    ] as const) {
      const note = noteFor(status, hasSession, inCell);
      assert.ok(note && `${note.title}${note.text}${note.code}`.includes(part), part);
    }
    assert.equal(noteFor('live', true, true), null);
    assert.equal(noteFor('paused', true, true), null);
  });
});

describe('a feed whose kernel', () => {
  test('has ended shows how its session ended, and can do nothing', () => {
    const { feed, end } = started();
    end(true);
    assert.equal(feed.status, 'closed');
    assert.equal(feed.model.tasks.state[0], TaskState.cancelled);
    assert.equal(feed.canAct, false);
  });

  test('has left off telling leaves things as they were seen', () => {
    const { feed, end } = started();
    end(false);
    assert.equal(feed.model.tasks.state[0], TaskState.waiting);
    assert.equal(feed.canAct, false);
  });
});
