/** What the graph view can show. */

export const MODES = ['auto', 'tasks', 'functions', 'table'] as const;

export type Mode = (typeof MODES)[number];

export const MODE_TITLES: Readonly<Record<Mode, string>> = {
  auto: 'Single tasks while they are few, functions when they are many',
  tasks: 'Every task as a mark of its own',
  functions: 'One box a function, one cell a task',
  table: 'The counts as a table'
};
