/** The header: which cluster, how it is doing, whether the picture is live; and the legend, which is the counts. */

import { el, logo, setAttribute, setHidden, setText, stateIcon } from '../ui/dom';
import type { Feed, FeedStatus } from '../model/feed';
import { formatCount, joined, plural } from '../ui/format';
import type { Model } from '../model/model';
import { cpusInUse } from '../model/node-rows';
import { TASK_STATE_MEANING, TASK_STATES } from '../model/states';

const STATUS_WORDS: Readonly<Record<FeedStatus, string>> = {
  connecting: 'connecting',
  live: 'live',
  paused: 'paused',
  behind: 'catching up',
  idle: 'no cluster',
  closed: 'disconnected',
  past: 'the past',
  recorded: 'recording'
};

const STATUS_MEANING: Readonly<Record<FeedStatus, string>> = {
  connecting: 'waiting for the first message of the kernel',
  live: 'the picture follows the cluster',
  paused: 'hidden: the kernel sends nothing',
  behind: 'a message was lost: waiting for a snapshot',
  idle: 'the kernel runs no cluster',
  closed: 'the kernel has gone; this is what was seen last',
  past: 'this is how things stood at another time',
  recorded: 'this is how it ended; nothing goes on here'
};

/** The header. */
export class Header {
  readonly node: HTMLElement;

  constructor(private readonly _feed: Feed) {
    this._chips = TASK_STATES.map(name => {
      const number = el('b', 'chip-count', '0');
      const chip = el('span', 'chip', [stateIcon(name), number, el('span', 'chip-word', name)], {
        title: TASK_STATE_MEANING[name]
      });
      return { chip, number };
    });
    const title = el('div', 'title', [
      logo(),
      el('span', 'brand', 'gnomon'),
      this._engine,
      this._cluster,
      this._status
    ]);
    const legend = el(
      'div',
      'legend',
      this._chips.map(({ chip }) => chip),
      { 'aria-label': 'tasks by state', role: 'group' }
    );
    this.node = el('div', 'header', [title, legend]);
  }

  update(): void {
    const { model, status } = this._feed;
    const ended = this._feed.ended && status !== 'past';
    setText(this._engine, model.engine);
    setHidden(this._engine, model.engine === '');
    const cluster = describeCluster(model);
    setText(this._cluster.children[0], cluster);
    setText(this._cluster.children[1], describeBriefly(model));
    setAttribute(this._cluster, 'title', joined([model.engine, cluster], ' · '));
    setText(this._status, ended ? 'session ended' : STATUS_WORDS[status]);
    setAttribute(this._status, 'data-status', status);
    setAttribute(this._status, 'title', ended ? 'this is how it ended' : STATUS_MEANING[status]);
    const totals = model.totals();
    this._chips.forEach(({ chip, number }, state) => {
      setText(number, formatCount(totals[state]));
      chip.classList.toggle('jp-gnomon-zero', totals[state] === 0);
    });
  }

  private readonly _engine = el('span', 'engine');
  /** In many words and in few: the style sheet shows those for which there is room. */
  private readonly _cluster = el('span', 'cluster muted', [el('span', 'wide-word'), el('span', 'narrow-word')]);
  private readonly _status = el('span', 'status', '', { role: 'status' });
  private readonly _chips: readonly { readonly chip: HTMLElement; readonly number: HTMLElement }[];
}

/** The same for a side panel: "CPUs 1 of 2 · 3 workers". */
export function describeBriefly(model: Model): string {
  const words = describeCluster(model);
  return words.slice(words.indexOf('CPUs')).replace(' in use:', '');
}

/** "CPUs in use: 1 of 2 · 3 workers", or "" while no node is known. */
export function describeCluster(model: Model): string {
  const nodes = [...model.nodes.values()].filter(node => node.alive);
  if (nodes.length === 0) {
    return '';
  }
  const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
  const parts = nodes.length > 1 ? [plural(nodes.length, 'node')] : [];
  parts.push(cpusInUse(model));
  parts.push(plural(sum(nodes.map(node => node.workers)), 'worker'));
  return parts.join(' · ');
}
