import type { Endpoint } from '../domain/endpoint.ts';
import { Refusal, RouterError } from '../errors.ts';
import { chooseTargets, managed } from '../routing/targets.ts';
import type { Exchange } from '../upstream/client.ts';
import { readAll } from '../upstream/read-all.ts';
import type { Task } from './broadcast.ts';
import { catalogReady } from './catalog-ready.ts';
import { upstreamHeaders } from './headers.ts';
import type { Line } from './line.ts';
import { Outcome } from './outcome.ts';
import { refresh } from './refresh.ts';
import { refuse } from './refusal.ts';
import type { Reply } from './reply.ts';

/** Removing a large model takes a moment on a slow disk; an endpoint that takes longer hangs. In milliseconds. */
const PATIENCE_MS = 60_000;
/** Ollama says nothing where it succeeds. */
const MAX_BYTES = 64 * 1024;

/**
 * Has every endpoint that has the model do something with it at once: copy it, remove it. One that cannot be reached has
 * it if it had it last. Throws Ollama's 404 where none has it, the failures where one or more failed.
 */
export async function everywhere(line: Line, job: Task, method: 'POST' | 'DELETE', reply: Reply): Promise<void> {
  const holders = await holdersOf(line, job);
  using exchanges = new DisposableStack();
  const outcome = new Outcome(line);
  const running = holders.map((endpoint) => {
    const exchange = exchanges.use(open(line, job, method, endpoint));
    return conclude(exchange, endpoint, outcome);
  });
  reply.onGone(() => exchanges.dispose());
  await Promise.all(running);
  await refresh(line, outcome.succeeded);
  if (outcome.hasFailures) throw outcome.error;
  if (outcome.succeeded.length === 0) throw new RouterError('model_not_found', job.task.notFound, { param: 'model' });
  reply.start(200, [], 0);
  reply.end();
}

/** Models come and go behind the router's back, and a model that one endpoint keeps would come back from there. */
async function holdersOf(line: Line, { task }: Task): Promise<Endpoint[]> {
  const { catalog } = line.router;
  await catalogReady(catalog);
  const eligible = managed(catalog, task.endpoints);
  await Promise.all(eligible.map((endpoint) => line.probe(endpoint)));
  const { available, unreachable } = catalog.lookup(task.model);
  const having = new Set([...available.map(({ endpoint }) => endpoint), ...unreachable]);
  const holders = eligible.filter((endpoint) => having.has(endpoint));
  // That nobody is known to have it says little where nobody can be asked.
  if (holders.length === 0) chooseTargets(catalog, task.endpoints);
  return holders;
}

function open(line: Line, { task, headers }: Task, method: 'POST' | 'DELETE', endpoint: Endpoint): Exchange {
  const { connect, firstByte } = line.timeouts;
  const patience = Math.min(firstByte, PATIENCE_MS);
  return line.upstream.open({
    base: endpoint.base,
    method,
    path: task.path,
    headers: upstreamHeaders(headers, endpoint),
    body: task.body,
    timeouts: { connect, firstByte: patience, idle: patience },
  });
}

async function conclude(exchange: Exchange, endpoint: Endpoint, outcome: Outcome): Promise<void> {
  try {
    const answer = await exchange.answer;
    if (answer.status >= 300) await refuse(answer, endpoint, 'ollama', true);
    await readAll(answer, MAX_BYTES);
    outcome.succeeded.push(endpoint);
  } catch (error) {
    // Removed by someone else a moment ago: there is nothing left to do.
    if (!(error instanceof Refusal && error.status === 404)) outcome.failed(endpoint, error);
  }
}
