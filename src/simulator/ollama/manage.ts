import type { Exchange } from '../exchange.ts';
import type { Host } from '../host.ts';
import { completeModel, sha256 } from '../model.ts';
import type { SimulatedModel } from '../simulation.ts';
import { pause } from '../wait.ts';
import { isDigest } from './blobs.ts';
import { OllamaFailure } from './failure.ts';
import { displayName, parseName } from './name.ts';
import { report, type Steps } from './progress.ts';
import type { CreateRequest, PullRequest } from './requests.ts';

/** POST /api/pull: finds models in the endpoint's `registry` option. */
export async function pull(host: Host, request: PullRequest, exchange: Exchange): Promise<void> {
  const name = request.model || request.name || '';
  if (parseName(name) === undefined) throw new OllamaFailure(400, 'invalid model name');
  await report(exchange, request.stream !== false, pulled(host, name, exchange));
}

async function* pulled(host: Host, name: string, exchange: Exchange): Steps {
  yield* pullSteps(host, name, exchange);
  yield { status: 'success' };
}

const layerSteps = 4;

async function* pullSteps(host: Host, name: string, exchange: Exchange): Steps {
  yield { status: 'pulling manifest' };
  const wanted = displayName(name)?.toLowerCase();
  const known = (host.options.registry ?? []).map((model) => completeModel(model, 'ollama'));
  const model = known.find((each) => each.name.toLowerCase() === wanted);
  if (model === undefined) throw new OllamaFailure(500, 'pull model manifest: file does not exist');
  const layer = { status: `pulling ${model.digest.slice(0, 12)}`, digest: `sha256:${model.digest}`, total: model.size };
  yield layer;
  for (let i = 1; i <= layerSteps; i++) {
    const ms = (host.options.pullMs ?? 0) / layerSteps;
    if (ms > 0) await pause(ms, exchange.signal);
    yield { ...layer, completed: Math.round((model.size * i) / layerSteps) };
  }
  yield { status: 'verifying sha256 digest' };
  yield { status: 'writing manifest' };
  host.machine.addModel({ ...model, modifiedAt: new Date() });
}

/** POST /api/push: to nowhere. */
export async function push(host: Host, request: PullRequest, exchange: Exchange): Promise<void> {
  const name = request.model || request.name || '';
  if (name === '') throw new OllamaFailure(400, 'model is required');
  await report(exchange, request.stream !== false, pushed(host.machine.find(name), name));
}

async function* pushed(model: SimulatedModel | undefined, name: string): Steps {
  yield { status: 'retrieving manifest' };
  if (model === undefined) {
    yield { status: "couldn't retrieve manifest" };
    throw new OllamaFailure(500, `open /models/manifests/${name}: no such file or directory`);
  }
  const layer = { status: `pushing ${model.digest.slice(0, 12)}`, digest: `sha256:${model.digest}`, total: model.size };
  yield layer;
  yield { ...layer, completed: model.size };
  yield { status: 'pushing manifest' };
  yield { status: 'success' };
}

/** POST /api/create: from a model, which is pulled where absent, or from uploaded files. */
export async function create(host: Host, request: CreateRequest, exchange: Exchange): Promise<void> {
  const name = displayName(request.model || request.name || '');
  if (name === undefined) throw new OllamaFailure(400, 'invalid model name');
  if (Object.keys(request.files ?? {}).some((path) => path.startsWith('/') || path.split('/').includes('..'))) {
    throw new OllamaFailure(400, 'file path must be relative');
  }
  await report(exchange, request.stream !== false, created(host, name, request, exchange));
}

async function* created(host: Host, name: string, request: CreateRequest, exchange: Exchange): Steps {
  if (!request.from && request.files === undefined) {
    throw new OllamaFailure(400, "neither 'from' or 'files' was specified");
  }
  if (request.from && host.machine.find(request.from) === undefined) yield* pullSteps(host, request.from, exchange);
  const base = request.from ? host.machine.find(request.from) : undefined;
  const digests = base === undefined ? Object.values(request.files ?? {}).map(String) : [`sha256:${base.digest}`];
  if (base === undefined) yield { status: 'parsing GGUF' };
  for (const digest of digests) {
    if (base === undefined) refuseMissingBlob(host, digest);
    yield { status: `using existing layer ${digest}` };
  }
  yield { status: 'writing manifest' };
  const model = base ?? completeModel({ name, capabilities: ['completion'] }, 'ollama');
  // A manifest names its own blobs: the same model made twice has two digests.
  const digest = sha256(`${name} ${digests.join()} ${Date.now()}`);
  host.machine.addModel({ ...model, name, digest, modifiedAt: new Date() });
  yield { status: 'success' };
}

function refuseMissingBlob(host: Host, digest: string): void {
  if (!isDigest(digest)) throw new OllamaFailure(500, 'invalid digest format');
  if (host.blobs.has(digest.replace('-', ':'))) return;
  throw new OllamaFailure(500, `open /models/blobs/${digest.replace(':', '-')}: no such file or directory`);
}
