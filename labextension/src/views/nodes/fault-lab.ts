/** What can be broken on each card, in words: what will happen, or why it can not. Pure. */

import type { IFault } from './fault-buttons';
import { CUT_S } from './fault-buttons';
import type { Model } from '../model/model';
import type { INodeRow } from '../model/wire';

const INLINE = 'Not on the inline engine: it has no processes or stores of its own.';
const HOME = 'This driver lives on that node, and the head: the session would end with it.';
const ALONE =
  'There is no other node: nobody is on the other side of its network. Start several: %remote start --nodes 3';

function inline(model: Model): string {
  return model.engine === 'inline' ? INLINE : '';
}

/** Kill a worker process. */
export function workerFault(model: Model, pid: number): IFault {
  return {
    what: 'worker',
    target: pid,
    label: `kill worker ${pid}`,
    meaning:
      `Worker ${pid} ends at once, as by a crash. What runs there is lost: tasks run again elsewhere while they have ` +
      'retries left (max_retries), an actor starts anew if it may (max_restarts). What only waited there costs no retry.',
    whyNot: inline(model)
  };
}

/** Kill a node, or cut it off for a while. */
export function nodeFaults(model: Model, node: INodeRow): IFault[] {
  if (!node.alive) {
    return [];
  }
  const several = [...model.nodes.values()].filter(each => each.alive).length > 1;
  const whyNot = inline(model) || (several ? (node.home ? HOME : '') : ALONE);
  return [
    {
      what: 'node',
      target: node.id,
      label: `kill ${node.label}`,
      meaning:
        `${node.label} ends at once with its workers and its store, as by a power cut. Its tasks run again on other ` +
        'nodes; values that lay only there are made again when somebody needs them.',
      whyNot
    },
    {
      what: 'delay',
      target: node.id,
      label: `cut it off for ${CUT_S} s`,
      meaning:
        `Nothing passes between ${node.label} and the others for ${CUT_S} s, as with a pulled cable; what runs there goes on, ` +
        'and is heard of afterwards. Of a node that is silent for 5 s the head would think it dead.',
      whyNot,
      more: { seconds: CUT_S }
    }
  ];
}

/** Lose a value. */
export function objectFault(model: Model, id: string): IFault {
  return {
    what: 'object',
    target: id,
    label: 'lose every copy',
    meaning:
      'Its owner takes every copy for lost. If somebody needs the value, the task that made it runs again, and what that ' +
      'needs before it; a value that was put can not be made again: ObjectLostError.',
    whyNot: inline(model)
  };
}

/** One more node. */
export function addNodeFault(model: Model): IFault {
  return {
    what: 'add',
    label: 'add a node',
    meaning:
      'One more node starts on this machine, as large as the others: a process with workers and a store of its own.',
    whyNot: model.noNode
  };
}
