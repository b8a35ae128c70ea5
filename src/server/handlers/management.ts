import { type Management, type ManagementRoute, push } from '../../protocols/ollama/management.ts';
import { broadcast, type Task } from '../../relay/broadcast.ts';
import { catalogReady } from '../../relay/catalog-ready.ts';
import { everywhere } from '../../relay/everywhere.ts';
import type { Line } from '../../relay/line.ts';
import { pushOne } from '../../relay/push-one.ts';
import type { Uploads } from '../../relay/uploads.ts';
import { chooseTargets } from '../../routing/targets.ts';
import { type BodyBudget, type Hold, readBody } from '../body.ts';
import { endpointsNamed } from '../endpoints-named.ts';
import type { Handler, Visit } from '../route.ts';

/** `POST /api/pull` and `POST /api/create`: on every target, with one stream of progress. */
export function onTargets(line: Line, budget: BodyBudget, uploads: Uploads, route: ManagementRoute): Handler {
  return async (visit) => {
    using hold = budget.open();
    const job = await readTask(visit, hold, route);
    await catalogReady(line.router.catalog);
    const { endpoints, digests } = job.task;
    // Nobody but the router knows which endpoints a file was sent to.
    const places = endpoints === undefined ? uploads.placesOf(digests) : undefined;
    await broadcast(line, job, places ?? chooseTargets(line.router.catalog, endpoints), visit.reply);
  };
}

/** `POST /api/push`: from one endpoint that has the model. */
export function pushModel(line: Line, budget: BodyBudget): Handler {
  return async (visit) => {
    using hold = budget.open();
    await pushOne(line, await readTask(visit, hold, push), visit.reply);
  };
}

/** `POST /api/copy` and `DELETE /api/delete`: on every endpoint that has the model. */
export function whereverItIs(
  line: Line,
  budget: BodyBudget,
  method: 'POST' | 'DELETE',
  route: ManagementRoute,
): Handler {
  return async (visit) => {
    using hold = budget.open();
    await everywhere(line, await readTask(visit, hold, route), method, visit.reply);
  };
}

/** The header names endpoints for clients that cannot change the body, and beats it. */
async function readTask({ request }: Visit, hold: Hold, route: ManagementRoute): Promise<Task> {
  const task: Management = route.decode(await readBody(request, hold));
  const headers = request.rawHeaders;
  return { task: { ...task, endpoints: endpointsNamed(headers) ?? task.endpoints }, headers };
}
