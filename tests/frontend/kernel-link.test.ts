/** The line to a kernel: what a late answer, and a kernel that is busy, do to it. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ISessionContext } from '@jupyterlab/apputils';
import { Signal } from '@lumino/signaling';
import { KernelLink } from '../../labextension/src/kernel-link';
import { FakePage } from './fake-page';

interface IFuture {
  readonly done: Promise<unknown>;
  dispose(): void;
}

/** A kernel that answers when a test says so. */
class FakeKernel {
  readonly iopubMessage = new Signal<this, unknown>(this);
  readonly statusChanged = new Signal<this, string>(this);
  readonly isDisposed = false;
  status = 'unknown';
  /** Types of the messages that it was sent. */
  sent: string[] = [];

  sendControlMessage(message: { readonly header: { readonly msg_type: string } }): IFuture {
    this.sent.push(message.header.msg_type);
    const done = new Promise((resolve, reject) => this._asked.push({ resolve, reject }));
    return { done, dispose: () => undefined };
  }

  /** Answers the questions so far, the newest last. */
  async answer(comms: object): Promise<void> {
    this._asked.splice(0).forEach(({ resolve }) => resolve({ content: { comms } }));
    await settled();
  }

  /** As when it is restarted: questions get no answer. */
  async cancel(): Promise<void> {
    this._asked.splice(0).forEach(({ reject }) => reject(new Error('Canceled')));
    await settled();
  }

  /** The first question was lost. */
  forget(): void {
    this._asked.shift();
  }

  become(status: string): void {
    this.status = status;
    this.statusChanged.emit(status);
  }

  private readonly _asked: { resolve(reply: unknown): void; reject(error: Error): void }[] = [];
}

/** All that follows from promises that are settled has happened. */
function settled(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve));
}

function follow(): { page: FakePage; kernel: FakeKernel; states: string[]; link: KernelLink } {
  const [page, kernel, states] = [new FakePage(), new FakeKernel(), [] as string[]];
  Object.assign(window, { addEventListener: () => undefined, removeEventListener: () => undefined });
  const session = { session: { kernel }, kernelChanged: new Signal({}) };
  const link = new KernelLink(state => states.push(state));
  link.follow(session as unknown as ISessionContext);
  return { page, kernel, states, link };
}

const LOADED = { hub: {} };

describe('the line to a kernel', () => {
  test('opens where the extension is loaded, and says where it is not', async () => {
    const loaded = follow();
    await loaded.kernel.answer(LOADED);
    assert.deepEqual(loaded.states, ['looking', 'open']);
    assert.equal(loaded.page.waiting, 0);
    const other = follow();
    await other.kernel.answer({});
    assert.deepEqual(other.states, ['looking', 'missing']);
  });

  test('opens however late the answer comes, though the kernel has nothing else to say', async () => {
    const { page, kernel, states } = follow();
    kernel.become('idle');
    page.pass(30_000);
    assert.deepEqual(states, ['looking', 'missing']);
    await kernel.answer(LOADED);
    assert.deepEqual(states, ['looking', 'missing', 'open']);
    const late = follow();
    late.page.pass(30_000);
    await late.kernel.answer({});
    assert.deepEqual(late.states, ['looking', 'missing']);
  });

  test('asks again when there is no answer, but not for ever', async () => {
    const { page, kernel, states } = follow();
    page.pass(6000);
    kernel.forget();
    page.pass(14_000);
    assert.equal(kernel.sent.length, 2);
    await kernel.answer(LOADED);
    assert.deepEqual(states, ['looking', 'missing', 'open']);
    const other = follow();
    other.page.pass(3_600_000);
    assert.equal(other.kernel.sent.length, 5);
    assert.deepEqual(other.states, ['looking', 'missing']);
    assert.equal(other.page.waiting, 0);
  });

  test('asks again when nothing was answered and the kernel is heard of, also while it runs a cell', async () => {
    for (const status of ['idle', 'busy']) {
      const { kernel, states } = follow();
      await kernel.cancel();
      kernel.become(status);
      await kernel.answer(LOADED);
      assert.deepEqual(states, ['looking', 'missing', 'looking', 'open']);
      kernel.become(status === 'idle' ? 'busy' : 'idle');
      assert.equal(kernel.sent.filter(kind => kind === 'comm_info_request').length, 2);
    }
  });

  test('leaves nothing behind when it is disposed of, or the notebook has no kernel any more', async () => {
    const { page, kernel, states, link } = follow();
    link.dispose();
    assert.equal(page.waiting, 0);
    await kernel.cancel();
    assert.deepEqual(states, ['looking']);
    const other = follow();
    other.link.follow(null);
    assert.equal(other.page.waiting, 0);
    assert.deepEqual(other.states, ['looking', 'none']);
  });

  test('heeds no answer of a kernel that was restarted meanwhile', async () => {
    const { page, kernel, states } = follow();
    kernel.become('restarting');
    await kernel.answer(LOADED);
    page.pass(30_000);
    assert.deepEqual(states, ['looking', 'restarting']);
  });
});
