/**
 * What takes time and is no task: values copied between nodes, spilled and restored, arguments read, results written.
 *
 * Each kind has a fixed colour, which no function has, and a direction of its lines, so that they can be told apart in
 * greyscale too. Pure.
 */

import { formatBytes, formatDuration } from '../ui/format';
import type { Model } from './model';
import type { SpanTuple } from './wire';

export interface IWorkSpan {
  readonly kind: string;
  /** Id of the process: a worker, or a node's. */
  readonly process: string;
  /** Unix seconds. */
  readonly start: number;
  readonly end: number;
  /** In bytes. */
  readonly size: number;
  /** A task's name, or the other node's id. */
  readonly about: string;
}

export interface IWorkKind {
  readonly label: string;
  readonly fill: string;
  /** Of the lines upon it, in degrees; none where it is null. */
  readonly lines: number | null;
}

/** In the order of the legend. */
export const WORK_KINDS: Readonly<Record<string, IWorkKind>> = {
  transfer: { label: 'copied from another node', fill: '#d6338a', lines: 0 },
  spill: { label: 'spilled to disk', fill: '#5b3a1e', lines: 45 },
  restore: { label: 'restored from disk', fill: '#b8926a', lines: -45 },
  read: { label: 'arguments read', fill: '#128a8a', lines: 90 },
  write: { label: 'result written', fill: '#5c9c1f', lines: null }
};

const UNKNOWN: IWorkKind = { label: 'other work', fill: '#888888', lines: null };

/** Spans kept at most. */
export const WORK_SPANS_KEPT = 2000;

export function kindOf(span: IWorkSpan): IWorkKind {
  return WORK_KINDS[span.kind] ?? UNKNOWN;
}

/** Adds what a message tells; of too many the oldest go. */
export function withSpans(known: readonly IWorkSpan[], told: readonly SpanTuple[]): readonly IWorkSpan[] {
  if (told.length === 0) {
    return known;
  }
  const fresh = told.map(([kind, process, start, end, size, about]) => ({ kind, process, start, end, size, about }));
  return [...known, ...fresh].slice(-WORK_SPANS_KEPT);
}

/** Spans by the process in which they were, by start. */
export function spansByProcess(model: Model): Map<string, IWorkSpan[]> {
  const found = new Map<string, IWorkSpan[]>();
  for (const span of model.spans) {
    const known = found.get(span.process);
    if (known) {
      known.push(span);
    } else {
      found.set(span.process, [span]);
    }
  }
  found.forEach(spans => spans.sort((a, b) => a.start - b.start));
  return found;
}

/** What a span was about: "load", "from node 12". */
export function aboutSpan(model: Model, span: IWorkSpan): string {
  return span.kind === 'transfer' ? `from ${model.nodes.get(span.about)?.label ?? 'another node'}` : span.about;
}

/** "copied from another node · from node 12 · 3 MB · 12 ms". */
export function describeWork(model: Model, span: IWorkSpan): string {
  const parts = [
    kindOf(span).label,
    aboutSpan(model, span),
    formatBytes(span.size),
    formatDuration(span.end - span.start)
  ];
  return parts.filter(part => part !== '').join(' · ');
}
