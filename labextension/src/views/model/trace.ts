/** The tasks over time as a trace file, which Perfetto and chrome://tracing open. */

import { whyAgain } from './attempts';
import type { Model } from './model';
import { workerName } from './node-rows';
import { endOf } from './spans';
import { TASK_STATES } from './states';
import { aboutSpan, kindOf } from './work-spans';

/** One event of the trace-event format. Times in microseconds. */
export interface ITraceEvent {
  readonly ph: 'X' | 'M';
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts?: number;
  readonly dur?: number;
  readonly args: Readonly<Record<string, unknown>>;
}

/** All listed tasks that have started; a process for each node, a thread for each worker. */
export function traceEvents(model: Model, now: number): ITraceEvent[] {
  const nodes = [...model.nodes.keys()];
  const process = (worker: number): number => 1 + Math.max(0, nodes.indexOf(model.nodeOf(model.workers[worker])));
  const events: ITraceEvent[] = [...model.nodes.values()].map((node, i) => {
    return { ph: 'M', name: 'process_name', pid: i + 1, tid: 0, args: { name: node.label } };
  });
  model.workers.forEach((each, worker) => {
    const args = { name: workerName(model, each) };
    events.push({ ph: 'M', name: 'thread_name', pid: process(worker), tid: worker, args });
  });
  const { tasks } = model;
  for (let task = 0; task < tasks.length; task++) {
    const [start, worker] = [tasks.start[task], tasks.worker[task]];
    if (start > 0 && worker >= 0 && worker < model.workers.length) {
      events.push({
        ph: 'X',
        name: model.nameOf(tasks.func[task]),
        pid: process(worker),
        tid: worker,
        ts: Math.round(start * 1e6),
        dur: Math.round((endOf(model, task, now) - start) * 1e6),
        args: {
          task: model.titleOf(task),
          state: TASK_STATES[tasks.state[task]],
          cell: model.cells[tasks.cell[task]]?.label ?? '',
          line: tasks.line[task],
          error: model.errors.get(task) ?? ''
        }
      });
    }
  }
  for (const past of [...model.attempts.values()].flat()) {
    if (past.worker >= 0 && past.worker < model.workers.length) {
      events.push({
        ph: 'X',
        name: model.nameOf(model.tasks.func[past.task]),
        pid: process(past.worker),
        tid: past.worker,
        ts: Math.round(past.start * 1e6),
        dur: Math.round((past.end - past.start) * 1e6),
        args: { task: model.titleOf(past.task), attempt: past.number + 1, 'tried again': whyAgain(past) }
      });
    }
  }
  return events.concat(workEvents(model, nodes));
}

/** What took time and is no task: in the row of its worker, or in that of its node, which is the last of the node's. */
function workEvents(model: Model, nodes: readonly string[]): ITraceEvent[] {
  const workers = new Map(model.workers.map((worker, number) => [worker.id, number]));
  const homes = new Map([...model.nodes].map(([id, node]) => [node.process ?? '', nodes.indexOf(id)]));
  return model.spans.map(span => {
    const worker = workers.get(span.process);
    const node =
      worker === undefined ? (homes.get(span.process) ?? 0) : nodes.indexOf(model.nodeOf(model.workers[worker]));
    return {
      ph: 'X' as const,
      name: kindOf(span).label,
      pid: 1 + Math.max(0, node),
      tid: worker ?? model.workers.length,
      ts: Math.round(span.start * 1e6),
      dur: Math.round((span.end - span.start) * 1e6),
      args: { kind: span.kind, bytes: span.size, about: aboutSpan(model, span) }
    };
  });
}
