/**
 * Attempts at tasks that others have followed: where and when each ran, and why it was not the last.
 *
 * A task's own row tells of its last attempt alone. Pure.
 */

import { formatDuration } from '../ui/format';
import type { Model } from './model';
import { TaskState } from './states';
import type { AttemptTuple } from './wire';

export interface IAttempt {
  readonly task: number;
  /** 0 for the first. */
  readonly number: number;
  /** Index of the worker, or -1. */
  readonly worker: number;
  /** Unix seconds. */
  readonly start: number;
  readonly end: number;
  /** How it ended: failed; done, where its result was lost later. */
  readonly state: number;
  readonly reason: string;
}

/** By task, the oldest first. */
export type Attempts = ReadonlyMap<number, readonly IAttempt[]>;

export const NO_ATTEMPTS: Attempts = new Map();

/** Adds what a message tells. */
export function withAttempts(known: Attempts, told: readonly AttemptTuple[]): Attempts {
  if (told.length === 0) {
    return known;
  }
  const all = new Map(known);
  for (const [task, number, worker, start, end, state, reason] of told) {
    const others = (all.get(task) ?? []).filter(each => each.number !== number || each.start !== start);
    const own = [...others, { task, number, worker, start, end, state, reason }];
    all.set(
      task,
      own.sort((a, b) => a.start - b.start)
    );
  }
  return all;
}

/** The attempt that went on at a time, or was the last to end before it; `null` before the first of them. */
export function attemptAt(attempts: readonly IAttempt[] | undefined, time: number): IAttempt | null {
  let found: IAttempt | null = null;
  for (const attempt of attempts ?? []) {
    if (attempt.start > time) {
      break;
    }
    found = attempt;
  }
  return found;
}

/** The attempts as far as they had come at a time. */
export function attemptsUntil(attempts: Attempts, time: number): Attempts {
  const found = [...attempts].map(([task, each]) => [task, each.filter(({ end }) => end <= time)] as const);
  return new Map(found.filter(([, each]) => each.length > 0));
}

/** "the worker died"; what is known of why another attempt followed. */
export function whyAgain({ state, reason }: IAttempt): string {
  return state === TaskState.done ? 'its result was lost later' : reason || 'it failed';
}

/** "load #3 · attempt 1 · 1.2 s · the worker died". */
export function describeAttempt(model: Model, attempt: IAttempt): string {
  const name = model.titleOf(attempt.task);
  const took = formatDuration(attempt.end - attempt.start);
  return `${name} · attempt ${attempt.number + 1} · ${took} · ${whyAgain(attempt)}`;
}

/** What a task's card says of its attempts: nothing of a first one that was enough. */
export function attemptFacts(model: Model, task: number, listedMax: number): (readonly [string, string])[] {
  const earlier = model.attempts.get(task) ?? [];
  const facts = earlier.slice(-listedMax).map(past => {
    const where = model.workers[past.worker]?.label;
    const words = [formatDuration(past.end - past.start), ...(where ? [`on ${where}`] : []), whyAgain(past)];
    return [`attempt ${past.number + 1}`, words.join(' · ')] as const;
  });
  const number = model.tasks.attempt[task];
  return number > 0 ? [...facts, ['attempt', `${number + 1}: it runs, or has run, again`]] : facts;
}
