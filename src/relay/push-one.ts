import type { Endpoint } from '../domain/endpoint.ts';
import { RouterError } from '../errors.ts';
import { chooseTargets, managed } from '../routing/targets.ts';
import { broadcast, type Task } from './broadcast.ts';
import { catalogReady } from './catalog-ready.ts';
import type { Line } from './line.ts';
import type { Reply } from './reply.ts';

/** Pushes a model from one endpoint that has it; from another while the client has been sent nothing. */
export async function pushOne(line: Line, job: Task, reply: Reply): Promise<void> {
  await catalogReady(line.router.catalog);
  const sources = sourcesOf(line, job);
  for (const [index, endpoint] of sources.entries()) {
    try {
      return await broadcast(line, job, [endpoint], reply);
    } catch (error) {
      const isLast = index === sources.length - 1;
      if (isLast || !(error instanceof RouterError && error.code === 'upstream_unreachable')) throw error;
    }
  }
}

/** Where nobody has it, whoever comes first says so. */
function sourcesOf(line: Line, { task }: Task): Endpoint[] {
  const { catalog } = line.router;
  const { available, unreachable } = catalog.lookup(task.model);
  const having = available.length > 0 ? available.map(({ endpoint }) => endpoint) : unreachable;
  const sources = managed(catalog, task.endpoints).filter((endpoint) => having.includes(endpoint));
  return sources.length > 0 ? sources : chooseTargets(catalog, task.endpoints).slice(0, 1);
}
