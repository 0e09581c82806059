/** Where a line that Python counted stands in a cell as people see it. Pure. */

/**
 * Lines of a cell before the one that Python calls line 1: IPython takes away empty lines at its start, and runs what
 * stands below a cell magic. `%%remote` counts its own line.
 */
export function linesBeforeCode(source: string): number {
  const lines = source.split('\n');
  const first = lines.findIndex(line => line.trim() !== '');
  if (first < 0) {
    return 0;
  }
  const isOtherMagic = lines[first].startsWith('%%') && !/^%%remote\b/.test(lines[first]);
  return first + (isOtherMagic ? 1 : 0);
}
