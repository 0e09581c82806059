/** How many actors there are, and how they are. */

import type { Model } from './model';

/** Actors by state. */
export function actorCounts(model: Pick<Model, 'actors'>): {
  alive: number;
  restarting: number;
  dead: number;
  pending: number;
} {
  const counts = { alive: 0, restarting: 0, dead: 0, pending: 0 };
  for (const actor of model.actors.values()) {
    if (actor.state in counts) {
      counts[actor.state as keyof typeof counts] += 1;
    }
  }
  return counts;
}
