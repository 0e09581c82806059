/**
 * How many tasks there were at a time, by function and state. Pure.
 *
 * Rows tell it of the listed ones, and of those that have left the list. Of the others it is only told how many they
 * are, now and then, and never to a page that was opened later: from what was told last, or next, the rows that were
 * known then are taken away. Before anything was told, those others count as they stood when it first was.
 */

import type { Journal, ITold } from './journal';
import type { Model } from './model';
import { UNFINISHED } from './states';

type Counts = readonly (readonly number[])[];

/** All tasks at a time; `listedAt` counts those of the newest model's rows that were there at one, in their states of then. */
export function totalsAt(
  newest: Model,
  journal: Journal,
  time: number,
  listedAt: (time: number) => Counts
): number[][] {
  const known = knownAt(newest, time, listedAt);
  if (newest.tasks.isWhole && newest.unlisted === 0) {
    return known;
  }
  const [before, after] = journal.toldAround(time).map(told => told && rest(newest, told, listedAt));
  return known.map((counts, func) => {
    const others = isLater(before, after, known, func, time) ? after : before;
    return counts.map((count, state) => count + (others?.unknown[func]?.[state] ?? 0));
  });
}

/** What a message told, and what in it no row accounts for. */
interface IRest {
  readonly time: number;
  /** Rows that were known at that time. */
  readonly known: Counts;
  readonly unknown: Counts;
}

function rest(newest: Model, { time, counts }: ITold, listedAt: (time: number) => Counts): IRest {
  const known = knownAt(newest, time, listedAt);
  return { time, known, unknown: known.map((own, func) => unaccounted(counts[func] ?? own, own)) };
}

/** Tasks that have a row, or had one. */
function knownAt(newest: Model, time: number, listedAt: (time: number) => Counts): number[][] {
  const counts = listedAt(time).map(own => [...own]);
  newest.departed.addTo(counts, time);
  return counts;
}

/**
 * What is told and not known. What rows tell is newer than what had been told then: who is told to wait may be known to
 * have ended, and is nobody else.
 */
function unaccounted(told: readonly number[], known: readonly number[]): number[] {
  const others = told.map((count, state) => Math.max(0, count - known[state]));
  let surplus = sum(others) - Math.max(0, sum(told) - sum(known));
  for (let state = 0; surplus > 0; state++) {
    const fewer = Math.min(surplus, others[state]);
    others[state] -= fewer;
    surplus -= fewer;
  }
  return others;
}

/**
 * Whether tasks without a row are taken as they were told next rather than as they were told last: when that was
 * nothing; when known tasks of their function have gone on since; and when they were at work and it is the nearer one.
 */
function isLater(before: IRest | null, after: IRest | null, now: Counts, func: number, time: number): boolean {
  if (before === null || after === null) {
    return before === null;
  }
  const had = before.known[func];
  if (now[func].some((count, state) => count !== had[state])) {
    return true;
  }
  const working = UNFINISHED.some(state => (before.unknown[func]?.[state] ?? 0) > 0);
  return working && after.time - time < time - before.time;
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
