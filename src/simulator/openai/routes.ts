import type { Exchange } from '../exchange.ts';
import type { Host } from '../host.ts';
import { normalized } from '../text.ts';
import { type Body, isObject, numberIn } from './body.ts';
import type { Dialect } from './dialect.ts';
import { ApiFailure } from './failure.ts';
import { messages, responses } from './form-routes.ts';
import { chatCall, completionCall, promptsOf } from './read-call.ts';
import { rerank } from './rerank.ts';
import type { Run } from './run.ts';
import { stream } from './stream.ts';
import { transcription } from './transcriptions.ts';
import { base64Vector } from './vector.ts';
import { whole } from './whole.ts';
import type { Work } from './work.ts';

const jsonType = [['Content-Type', 'application/json']] as const;

const routes: Readonly<Record<string, (work: Work) => Promise<void>>> = {
  'POST /v1/chat/completions': chat,
  'POST /v1/completions': completion,
  'POST /v1/embeddings': embeddings,
  'POST /v1/messages': messages,
  'POST /v1/responses': responses,
  'POST /v1/rerank': rerank,
  'POST /v2/rerank': rerank,
  'POST /rerank': rerank,
  'POST /v1/audio/transcriptions': transcription,
  'GET /v1/models': listModels,
};

/** Answers one request as OpenAI, or as a server that imitates it, does. */
export async function answerAsOpenAi(host: Host, exchange: Exchange, dialect: Dialect): Promise<void> {
  try {
    await route(host, exchange, dialect);
  } catch (error) {
    if (!(error instanceof ApiFailure)) throw error;
    const isMessage = exchange.path.startsWith('/v1/messages');
    const body = isMessage ? dialect.messagesError(error, exchange) : dialect.error(error);
    await exchange.send(error.status, jsonType, JSON.stringify(body));
  }
}

async function route(host: Host, exchange: Exchange, dialect: Dialect): Promise<void> {
  if (await dialect.answeredItself(host, exchange)) return;
  const given = givenKey(exchange);
  if (host.options.key !== undefined && given !== host.options.key) return dialect.refuseKey(exchange, given);
  const name = /^\/v1\/models\/(.+)$/.exec(exchange.path)?.[1];
  if (name !== undefined && exchange.method === 'GET')
    return oneModel(host, exchange, dialect, decodeURIComponent(name));
  const isLacking = host.lacks(exchange.path, dialect.lacks);
  const handler = isLacking ? undefined : routes[`${exchange.method} ${exchange.path}`];
  if (handler === undefined) return dialect.unknownRoute(exchange, !isLacking && isKnownPath(exchange.path));
  const hasJson = exchange.method === 'POST' && handler !== transcription;
  await handler({ host, exchange, dialect, body: hasJson ? readBody(exchange.text, dialect) : {} });
}

/** Clients of Anthropic's protocol have a header of their own for it. */
function givenKey(exchange: Exchange): string | undefined {
  const own = exchange.path.startsWith('/v1/messages') ? exchange.header('x-api-key') : undefined;
  const authorization = exchange.header('authorization');
  return own ?? (authorization && (/^Bearer (.*)$/.exec(authorization)?.[1] ?? ''));
}

function isKnownPath(path: string): boolean {
  return Object.keys(routes).some((name) => name.endsWith(` ${path}`));
}

function readBody(text: string, dialect: Dialect): Body {
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch {}
  throw dialect.badJson(text);
}

async function chat(work: Work): Promise<void> {
  const { body, dialect } = work;
  dialect.checkChat(body);
  const model = dialect.model(work.host, body['model'], 'completion');
  dialect.checkMessages(body['messages'], model);
  dialect.checkAbilities(body, model);
  const call = dialect.fitting(chatCall(model, body), 'chat');
  // The first choice is the one that a request for a single one gets.
  const calls = Array.from({ length: numberIn(body['n']) ?? 1 }, (_, i) =>
    i === 0 ? call : { ...call, seed: (call.seed ?? 0) + i },
  );
  const logprobs = body['logprobs'] === true ? (numberIn(body['top_logprobs']) ?? 0) : undefined;
  await run(work, calls, 'chat', logprobs);
}

async function completion(work: Work): Promise<void> {
  const { body, dialect } = work;
  dialect.checkCompletion(body);
  const model = dialect.model(work.host, body['model'], 'completion');
  const defaults = { max_tokens: 16, ...body };
  const calls = promptsOf(body['prompt']).map((prompt) =>
    dialect.fitting(completionCall(model, prompt, defaults), 'text'),
  );
  await run(work, calls, 'completion', numberIn(body['logprobs']));
}

async function run(work: Work, calls: Run['calls'], form: Run['form'], topLogprobs: number | undefined): Promise<void> {
  const { host, exchange, dialect, body } = work;
  const [first] = calls;
  if (first === undefined) throw dialect.badJson('');
  using use = await host.machine.use(first.model, {}, exchange.signal);
  const answer = body['stream'] === true ? stream : whole;
  const options = body['stream_options'];
  await answer({
    host,
    loaded: use.loaded,
    calls,
    exchange,
    style: dialect.style,
    form,
    modelName: String(body['model']),
    stream: body['stream'] === true,
    includeUsage: isObject(options) && options['include_usage'] === true,
    topLogprobs,
  });
}

async function embeddings(work: Work): Promise<void> {
  const { host, exchange, dialect, body } = work;
  dialect.checkEmbedding(body);
  const model = dialect.model(host, body['model'], 'embedding');
  dialect.checkTexts(promptsOf(body['input']), model, 'embedding generation');
  using use = await host.machine.use(model, {}, exchange.signal);
  const { vectors, promptTokens } = await host.embed(use.loaded, promptsOf(body['input']), exchange);
  const data = vectors.map((vector, index) => {
    const cut = normalized(vector, numberIn(body['dimensions']));
    return { object: 'embedding', index, embedding: body['encoding_format'] === 'base64' ? base64Vector(cut) : cut };
  });
  const usage = { prompt_tokens: promptTokens, total_tokens: promptTokens };
  await exchange.send(200, jsonType, JSON.stringify({ object: 'list', data, model: body['model'], usage }));
}

async function listModels({ host, exchange, dialect }: Work): Promise<void> {
  const data = host.machine.models.map((model) => dialect.modelItem(model));
  await exchange.send(200, jsonType, JSON.stringify({ object: 'list', data }));
}

async function oneModel(host: Host, exchange: Exchange, dialect: Dialect, name: string): Promise<void> {
  const model = dialect.model(host, name, undefined);
  await exchange.send(200, jsonType, JSON.stringify(dialect.modelItem(model)));
}
