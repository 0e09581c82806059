/**
 * Joins a channel and a model: applies what arrives, asks for a snapshot after a gap, tells views what changed.
 *
 * It never polls: all happens in answer to a message or to a change of visibility (and see `presence.ts`).
 */

import type { IChannel, IMessage } from '../../channel';
import type { INote, IObjectDetail, ITaskDetail } from './answers';
import type { IArrived } from './inbox';
import { Inbox } from './inbox';
import { Model } from './model';
import type { Later } from './presence';
import { Presence } from './presence';
import { Rush } from './rush';
import { endSession } from './session-end';
import { Travel } from './travel';
import type { Turns } from './turns';
import type { IFeedHeader } from './wire';

export type { INote, IObjectDetail, ITaskDetail };

/**
 * connecting: nothing heard yet; live; paused: hidden, the kernel sends nothing; behind: a message was lost, a
 * snapshot is on its way; idle: the kernel has no cluster; closed: the kernel has gone; past: the views show another
 * time than now; recorded: there is no kernel, this is the end of a recording.
 */
export type FeedStatus = 'connecting' | 'live' | 'paused' | 'behind' | 'idle' | 'closed' | 'past' | 'recorded';

/** The feed of one view. */
export class Feed {
  /** How things stand now, or at the end of a recording. */
  readonly live = new Model();
  /** What is known of the past; it is changed by this feed alone. */
  readonly travel: Travel;
  /** What a recording lacks; "" if nothing. */
  note = '';

  constructor(
    private readonly _channel: IChannel,
    private readonly _now: () => number = () => Date.now(),
    changesMax?: number,
    turns: Turns | null = null,
    later: Later | null = null
  ) {
    this._presence = new Presence(message => _channel.send(message), _now, later);
    this._inbox = new Inbox(arrived => this._takeIn(arrived), turns);
    this.travel = new Travel(this.live, changesMax);
    this._stops.push(_channel.listen((message, buffers) => this._receive(message, buffers)));
    this._stops.push(_channel.onClosed(ended => this._close(ended)));
    this._presence.ask('subscribe');
  }

  /** What the views show: how things stand, or stood at {@link Feed.at}. */
  get model(): Model {
    return this.travel.model ?? this.live;
  }

  /** The time that the views show, unix seconds; `null` is now, or the end of a recording. */
  get at(): number | null {
    return this.travel.at;
  }

  /** Whether this is a recording: nobody is there who could do anything. */
  get recorded(): boolean {
    return this._status === 'recorded';
  }

  /** Whether what is shown is a session that has ended. */
  get ended(): boolean {
    return this.live.session !== '' && (this._status === 'idle' || this._kernelEnded);
  }

  /** Whether tasks go by too fast to be followed one by one. */
  get rush(): boolean {
    return this._rush.on;
  }

  /** Whether what is shown goes on, so that it can be cancelled or killed. */
  get canAct(): boolean {
    return this.at === null && !this.recorded && this._status !== 'closed';
  }

  get status(): FeedStatus {
    if (this.at !== null) {
      return 'past';
    }
    if (this.recorded) {
      return 'recorded';
    }
    return this._presence.visible || this._status === 'closed' || this._status === 'idle' ? this._status : 'paused';
  }

  /** The time that is shown, unix seconds. */
  now(): number {
    return this.at ?? this._latest();
  }

  /** From when to when the views can go, unix seconds; empty (0, 0) while nothing is known. */
  span(): readonly [from: number, to: number] {
    const { from } = this.travel;
    return from < Infinity ? [from, Math.max(from, this._latest())] : [0, 0];
  }

  /** Shows another time, or with `null` what is now. */
  goTo(time: number | null): void {
    this.travel.goTo(time);
    this._emit();
  }

  /** Kernel's clock now: the last message's time and what has passed here since. What has ended does not go on. */
  private _latest(): number {
    const goesOn = !['recorded', 'idle', 'closed'].includes(this._status);
    return this.live.time + (goesOn ? (this._now() - this._receivedAt) / 1000 : 0);
  }

  /** Calls back after every change of model or status. Returns a function that stops it. */
  onChange(listener: () => void): () => void {
    this._listeners.add(listener);
    return () => this._listeners.delete(listener);
  }

  /** Calls back with answers to {@link Feed.askDetail}. Returns a function that stops it. */
  onDetail(listener: (detail: ITaskDetail) => void): () => void {
    this._detailListeners.add(listener);
    return () => this._detailListeners.delete(listener);
  }

  /** Asks the kernel for all it knows of a task. There may be no answer. */
  askDetail(task: number): void {
    this._channel.send({ kind: 'detail', id: task });
  }

  /** Calls back with answers to {@link Feed.askObject}. Returns a function that stops it. */
  onObject(listener: (detail: IObjectDetail) => void): () => void {
    this._objectListeners.add(listener);
    return () => this._objectListeners.delete(listener);
  }

  /** Asks the kernel who holds an object: it asks all processes. There may be no answer. */
  askObject(id: string): void {
    this._channel.send({ kind: 'object', id });
  }

  /** Asks for another tempo; the feed tells what has come of it, or {@link Feed.onRefused}. */
  setTempo(set: string, value: Readonly<Record<string, number>> = {}): void {
    this._channel.send({ kind: 'tempo', set, ...value });
  }

  /** Calls back when the kernel can not do what was asked, with the reason. Returns a function that stops it. */
  onRefused(listener: (text: string) => void): () => void {
    this._refusedListeners.add(listener);
    return () => this._refusedListeners.delete(listener);
  }

  /** Calls back with what became of {@link Feed.cancel}, {@link Feed.kill} and {@link Feed.makeFault}. Returns a function that stops it. */
  onNote(listener: (note: INote) => void): () => void {
    this._noteListeners.add(listener);
    return () => this._noteListeners.delete(listener);
  }

  /** Asks the kernel to cancel a task. There may be no answer; the feed shows what comes of it. */
  cancel(task: number): void {
    this._channel.send({ kind: 'cancel', id: task });
  }

  /** Asks the kernel to kill an actor; with `restart` it may be restarted. */
  kill(actor: string, restart: boolean): void {
    this._channel.send({ kind: 'kill', id: actor, restart });
  }

  /** Asks the kernel to break something on purpose, or to add a node; a note tells what has come of it. */
  makeFault(what: string, target?: number | string, more: Readonly<Record<string, number>> = {}): void {
    this._channel.send({ kind: 'fault', what, ...(target === undefined ? {} : { target }), ...more });
  }

  /** Tells the kernel whether anybody can see the view. */
  setVisible(visible: boolean): void {
    if (visible !== this._presence.visible) {
      this._presence.show(visible, !this.recorded && this._status !== 'closed');
      this._emit();
    }
  }

  dispose(): void {
    this._stops.splice(0).forEach(stop => stop());
    this._inbox.dispose();
    this._presence.answered();
    this._listeners.clear();
    this._detailListeners.clear();
    this._objectListeners.clear();
    this._refusedListeners.clear();
    this._noteListeners.clear();
  }

  private _receive(message: IMessage, buffers: readonly DataView[]): void {
    if (message.kind === 'snapshot' || message.kind === 'delta') {
      this._presence.told(message.kind);
      const arrived = { header: message as unknown as IFeedHeader, buffer: buffers[0], at: this._now() };
      this._inbox.put(arrived, this.rush);
      return;
    }
    this._inbox.flush();
    switch (message.kind) {
      case 'detail':
        this._detailListeners.forEach(listener => listener(message as unknown as ITaskDetail));
        break;
      case 'object':
        this._objectListeners.forEach(listener => listener(message as unknown as IObjectDetail));
        break;
      case 'refused':
        this._refusedListeners.forEach(listener => listener(String(message.text)));
        break;
      case 'note':
        this._noteListeners.forEach(listener => listener(message as unknown as INote));
        break;
      case 'hidden':
        this._presence.takenForHidden();
        break;
      case 'idle':
        endSession(this.live);
        this.travel.note();
        this._set('idle');
        break;
      case 'recorded':
        this.note = typeof message.note === 'string' ? message.note : '';
        this.live.shown = Array.isArray(message.numbers) ? (message.numbers as [number, number][]) : [];
        this._set('recorded');
        break;
    }
  }

  private _takeIn(all: readonly IArrived[]): void {
    all.forEach(arrived => this._apply(arrived));
    this._emit();
  }

  private _apply({ header, buffer, at }: IArrived): void {
    const result = this.live.apply(header, buffer);
    this._receivedAt = at;
    if (result === 'gap') {
      return this._fallBehind();
    }
    this._status = header.ended ? 'idle' : 'live';
    if (header.ended) {
      endSession(this.live);
    }
    if (result === 'applied') {
      this.travel.note();
      this._rush.note(this.live);
    }
  }

  /** With the kernel its session has ended; one that has only left off telling may go on. */
  private _close(kernelEnded: boolean): void {
    this._inbox.flush();
    this._kernelEnded = kernelEnded;
    if (kernelEnded) {
      endSession(this.live);
      this.travel.note();
    }
    this._set('closed');
  }

  private _fallBehind(): void {
    if (this._status !== 'behind' && this._presence.visible) {
      this._presence.ask('resync');
    }
    this._status = 'behind';
  }

  private _set(status: FeedStatus): void {
    this._presence.answered();
    this._status = status;
    this._emit();
  }

  private _emit(): void {
    this._listeners.forEach(listener => listener());
  }

  private readonly _inbox: Inbox;
  private readonly _presence: Presence;
  private readonly _rush = new Rush();
  private _status: FeedStatus = 'connecting';
  private _kernelEnded = false;
  private _receivedAt = 0;
  private readonly _stops: (() => void)[] = [];
  private readonly _listeners = new Set<() => void>();
  private readonly _detailListeners = new Set<(detail: ITaskDetail) => void>();
  private readonly _noteListeners = new Set<(note: INote) => void>();
  private readonly _objectListeners = new Set<(detail: IObjectDetail) => void>();
  private readonly _refusedListeners = new Set<(text: string) => void>();
}
