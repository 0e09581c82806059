/** A cluster in one line, for places that hold no more. Pure. */

import { formatBytes, formatCount, plural } from '../ui/format';

/** What the kernel tells in a message of kind "summary". */
export interface ISummary {
  readonly session: string;
  /** Of all living nodes. */
  readonly cpus_used: number;
  readonly cpus_total: number;
  /** Workers in which something runs. */
  readonly busy: number;
  readonly workers: number;
  /** Tasks that wait for arguments or for a worker. */
  readonly queued: number;
  readonly store_used_bytes: number;
  readonly store_capacity_bytes: number;
  /** Of the kernel's machine; both 0 where it can not be read. */
  readonly memory_used_bytes: number;
  readonly memory_total_bytes: number;
}

/** "CPUs 2 of 2 · 3 workers · 7 queued · mem 38% · store 1.2 MB" */
export function summaryText(summary: ISummary): string {
  const parts = [`CPUs ${cpus(summary)}`, plural(summary.workers, 'worker')];
  if (summary.queued > 0) {
    parts.push(`${summary.queued} queued`);
  }
  if (summary.memory_total_bytes > 0) {
    parts.push(`mem ${percent(summary.memory_used_bytes, summary.memory_total_bytes)}`);
  }
  parts.push(`store ${formatBytes(summary.store_used_bytes)}`);
  return parts.join(' · ');
}

/** The same in whole sentences. */
export function summaryMeaning(summary: ISummary): string {
  const of = (used: number, total: number): string => `${formatBytes(used)} of ${formatBytes(total)}`;
  const lines = [
    `CPUs in use: ${cpus(summary)}`,
    `${plural(summary.workers, 'worker process', 'worker processes')}, ${summary.busy} of them run something`,
    `${summary.queued} tasks wait for a worker or for arguments`
  ];
  if (summary.memory_total_bytes > 0) {
    lines.push(`memory of the machine: ${of(summary.memory_used_bytes, summary.memory_total_bytes)} in use`);
  }
  lines.push(`object store: ${of(summary.store_used_bytes, summary.store_capacity_bytes)} in use`);
  return lines.join('\n');
}

function cpus({ cpus_used, cpus_total }: ISummary): string {
  return `${formatCount(cpus_used)} of ${formatCount(cpus_total)}`;
}

function percent(part: number, whole: number): string {
  return `${Math.round((100 * part) / whole)}%`;
}
