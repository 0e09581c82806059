/**
 * The events of a run worth going to: what failed, died, was lost, was tried again or went to disk, and when. Pure.
 *
 * The bar that looks back marks them on its slider, events that are too close to be told apart as one, and goes from one
 * mark to the next.
 */

import { whyAgain } from './attempts';
import { formatBytes, plural } from '../ui/format';
import type { IEntryRows } from './journal';
import type { Model } from './model';
import { TaskState } from './states';
import type { TimeScale } from './time-scale';

/** Of events that share a mark, so many are told besides the gravest. */
const NAMED_MAX = 2;

/** The gravest first. */
export const EVENT_KINDS = ['died', 'failed', 'lost', 'again', 'spilled'] as const;

export type EventKind = (typeof EVENT_KINDS)[number];

export interface IRunEvent {
  /** Unix seconds. */
  readonly time: number;
  readonly kind: EventKind;
  /** "load #3 failed: no such file". */
  readonly text: string;
}

/** Events that stand at one place of the slider. */
export interface IEventMark {
  /** From 0 to 1. */
  readonly place: number;
  /** Of its last event: by then all of them have happened. */
  readonly time: number;
  /** Of its gravest event. */
  readonly kind: EventKind;
  /** The gravest one in words, and how many others there are. */
  readonly words: string;
}

/** Places on the slider that are closer than this can not be told apart. */
const APART = 0.018;
const ERROR_CHARACTERS = 80;
/** How an actor ends when nothing goes wrong. */
const PLANNED_ENDS = ['the session ended', 'went out of scope'];

/** All events, in the order of time; `entries` tell what changed besides tasks. */
export function eventsOf(model: Model, entries: Iterable<IEntryRows>): IRunEvent[] {
  const found = [...taskEvents(model), ...attemptEvents(model), ...spillEvents(model), ...entryEvents(entries)];
  return found.sort((a, b) => a.time - b.time);
}

/** The marks of events on a slider, from left to right. */
export function marksOf(events: readonly IRunEvent[], scale: TimeScale): IEventMark[] {
  const marks: IEventMark[] = [];
  let group: IRunEvent[] = [];
  let begin = -1;
  for (const event of events) {
    const place = scale.placeOf(event.time);
    if (group.length > 0 && place - begin > APART) {
      marks.push(markOf(group, scale));
      group = [];
    }
    begin = group.length === 0 ? place : begin;
    group.push(event);
  }
  return group.length > 0 ? [...marks, markOf(group, scale)] : marks;
}

/** The mark that one goes to from a time: the next one, or that before; `null` if there is none. */
export function markFrom(marks: readonly IEventMark[], at: number | null, forward: boolean): IEventMark | null {
  if (forward) {
    return at === null ? null : (marks.find(mark => mark.time > at) ?? null);
  }
  const before = marks.filter(mark => at === null || mark.time < at);
  return before[before.length - 1] ?? null;
}

function markOf(group: readonly IRunEvent[], scale: TimeScale): IEventMark {
  const kind = EVENT_KINDS.find(each => group.some(event => event.kind === each))!;
  const gravest = group.find(event => event.kind === kind)!;
  const { time } = group[group.length - 1];
  const others = group.filter(event => event !== gravest).map(event => event.text);
  const named = others.slice(0, NAMED_MAX).map(text => `; ${text}`);
  const more =
    others.length > NAMED_MAX ? `; and ${plural(others.length - NAMED_MAX, 'other event')} at that time` : '';
  return { place: scale.placeOf(time), time, kind, words: [gravest.text, ...named, more].join('') };
}

/** Why a node has died, with what it is that has ended. */
function deathOf(reason: string): string {
  return reason.startsWith('(pid ') ? `its process ${reason}` : reason;
}

function taskEvents(model: Model): IRunEvent[] {
  const { tasks } = model;
  const found: IRunEvent[] = [];
  for (let task = 0; task < tasks.length; task++) {
    if (tasks.state[task] === TaskState.failed) {
      const why = model.errors.get(task) ?? '';
      const text = `${model.titleOf(task)} failed${why ? `: ${cut(why)}` : ''}`;
      found.push({ time: Math.max(tasks.end[task], tasks.created[task]), kind: 'failed', text });
    }
  }
  return found;
}

/** Attempts that failed; one whose result was lost is told of by its object. */
function attemptEvents(model: Model): IRunEvent[] {
  return [...model.attempts.values()]
    .flat()
    .filter(({ task, state }) => state !== TaskState.done && task < model.tasks.length)
    .map(past => {
      const name = model.titleOf(past.task);
      return { time: past.end, kind: 'again', text: `${name} is tried again: ${cut(whyAgain(past))}` };
    });
}

function spillEvents(model: Model): IRunEvent[] {
  return model.spans
    .filter(span => span.kind === 'spill')
    .map(span => ({ time: span.end, kind: 'spilled', text: `${formatBytes(span.size)} spilled to disk` }));
}

/** What has become of actors, nodes and objects, told by how each row differs from the one before. */
function entryEvents(entries: Iterable<IEntryRows>): IRunEvent[] {
  const found: IRunEvent[] = [];
  const known = new Map<string, string>();
  const turned = (id: string, state: string, into: string): boolean => {
    const before = known.get(id);
    known.set(id, state);
    return state === into && before !== undefined && before !== into;
  };
  for (const { time, actors, nodes, objects } of entries) {
    for (const [id, actor] of actors) {
      if (actor) {
        const cause = actor.cause ?? '';
        const name = actor.name ?? actor.class;
        if (turned(id, actor.state, 'dead') && !PLANNED_ENDS.some(end => cause.includes(end))) {
          found.push({ time, kind: 'died', text: `${name} died${cause ? `: ${cut(cause)}` : ''}` });
        } else if (actor.state === 'restarting' && actor.state !== known.get(`${id}/told`)) {
          found.push({ time, kind: 'again', text: `${name} is restarted${cause ? `: ${cut(cause)}` : ''}` });
        }
        known.set(`${id}/told`, actor.state);
      }
    }
    for (const [id, node] of nodes) {
      // without a reason it is the session that has ended
      if (node && turned(id, String(node.alive), 'false') && node.reason) {
        found.push({ time, kind: 'died', text: `${node.label} died: ${cut(deathOf(node.reason))}` });
      }
    }
    for (const [id, object] of objects) {
      if (object && turned(id, object.state, 'lost')) {
        found.push({ time, kind: 'lost', text: `an object of ${object.producer || 'put'} was lost` });
      } else if (object?.state === 'reconstructing') {
        found.push({ time, kind: 'again', text: `an object of ${object.producer} was lost, and is made again` });
      }
    }
  }
  return found;
}

function cut(text: string): string {
  return text.length <= ERROR_CHARACTERS ? text : `${text.slice(0, ERROR_CHARACTERS - 1)}…`;
}
