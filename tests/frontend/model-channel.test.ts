/** The channel of a widget in a cell: what becomes of it when its kernel has gone. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AnyModel } from '@anywidget/types';
import { Displays } from '../../labextension/src/displays';
import { modelChannel } from '../../labextension/src/model-channel';
import { Feed } from '../../labextension/src/views/model/feed';
import { KERNEL_END_EVENT } from '../../labextension/src/views/model/kernel-end';

/** A model with a comm that goes with its kernel, as in the page. */
class FakeModel {
  commIsGone = false;
  sent: string[] = [];

  send({ kind }: { readonly kind: string }): void {
    if (this.commIsGone) {
      throw new Error('Cannot send');
    }
    this.sent.push(kind);
  }

  on(): void {}
  off(): void {}
}

describe('the channel of a widget', () => {
  test('drops what is said when the kernel was restarted, and the display goes on to its end', () => {
    const [model, root] = [new FakeModel(), new EventTarget()];
    const display = new Displays().join(modelChannel(model as unknown as AnyModel<object>, root));
    const feed = new Feed(display, () => 0);
    assert.deepEqual(model.sent, ['subscribe']);
    model.commIsGone = true;
    root.dispatchEvent(new Event(KERNEL_END_EVENT));
    feed.setVisible(false);
    feed.setVisible(true);
    feed.dispose();
    display.leave();
    assert.deepEqual(model.sent, ['subscribe']);
  });
});
