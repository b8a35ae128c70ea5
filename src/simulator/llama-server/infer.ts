import type { Call } from '../call.ts';
import type { Exchange } from '../exchange.ts';
import { GenerationFailure, type Usage } from '../generation.ts';
import type { Host } from '../host.ts';
import type { LoadedModel } from '../loaded-model.ts';
import { type Body, numberIn, objectIn, textIn } from '../openai/body.ts';
import { ApiFailure } from '../openai/failure.ts';
import { chatCall, completionCall } from '../openai/read-call.ts';
import type { Run } from '../openai/run.ts';
import { stream } from '../openai/stream.ts';
import { whole } from '../openai/whole.ts';
import type { SimulatedModel } from '../simulation.ts';
import { countTokens } from '../text.ts';
import { json } from './answers.ts';
import { checkChat } from './check.ts';
import { checkFields } from './check-fields.ts';
import { missingKey } from './json-error.ts';
import { readPrompts } from './prompts.ts';
import { contextOverflow } from './refusals.ts';
import { defaultBuild, llamaStyle, timings } from './style.ts';

/** A request on a loaded model. */
export interface Work {
  readonly host: Host;
  readonly loaded: LoadedModel;
  readonly body: Body;
  readonly exchange: Exchange;
}

/** POST /v1/chat/completions. */
export async function chat(work: Work): Promise<void> {
  const { body, loaded } = work;
  checkChat(body, loaded.model, work.host.options);
  checkFields(body, loaded.pool.slots.length);
  const call = fitting(loaded, llamaChatCall(loaded.model, body));
  const calls = Array.from({ length: Number(body['n'] ?? 1) }, () => call);
  await run(work, calls, 'chat', chatLogprobs(body));
}

/** A chat as the template gets it: only a word is a choice of tools, and a template without tools leaves them out. */
export function llamaChatCall(model: SimulatedModel, body: Body): Call {
  const call = chatCall(model, body);
  const toolChoice = typeof call.toolChoice === 'string' ? call.toolChoice : 'auto';
  return { ...call, toolChoice, tools: model.capabilities.includes('tools') ? call.tools : [] };
}

/** Without `top_logprobs` there are twenty alternatives; none of them switches log probabilities off. */
function chatLogprobs(body: Body): number | undefined {
  const { logprobs, n_probs: own } = body;
  const count = logprobs === true ? (numberIn(body['top_logprobs']) ?? 20) : (numberIn(own) ?? numberIn(logprobs) ?? 0);
  return count > 0 ? count : undefined;
}

/** POST /v1/completions. */
export async function completion(work: Work): Promise<void> {
  const { body, loaded } = work;
  checkFields(body, loaded.pool.slots.length);
  const prompts = promptsIn(body);
  const calls = prompts.flatMap((prompt) => {
    return new Array<Call>(Number(body['n'] ?? 1)).fill(fitting(loaded, completionCall(loaded.model, prompt, body)));
  });
  const logprobs = Number(body['logprobs'] ?? 0);
  await run(work, calls, 'completion', logprobs > 0 ? logprobs : undefined);
}

/** The prompts of a completion, which must have one. */
export function promptsIn(body: Body): string[] {
  const { prompt } = body;
  if (prompt === undefined) throw new ApiFailure(400, missingKey('prompt'));
  return readPrompts(prompt, 400);
}

async function run(
  work: Work,
  calls: readonly Call[],
  form: Run['form'],
  topLogprobs: number | undefined,
): Promise<void> {
  const { host, loaded, body, exchange } = work;
  const answer = body['stream'] === true ? stream : whole;
  await answer({
    host,
    loaded,
    calls,
    exchange,
    style: llamaStyle(host.options.version ?? defaultBuild),
    form,
    // The server's own name, whatever the request said.
    modelName: loaded.model.name,
    stream: body['stream'] === true,
    includeUsage: objectIn(body['stream_options'])['include_usage'] === true,
    topLogprobs,
    timingsPerToken: body['timings_per_token'] === true,
    returnProgress: body['return_progress'] === true,
  });
}

/** POST /completion (its own form) and POST /infill, which the model must have been trained for. */
export async function ownCompletion(work: Work, prompt: string): Promise<void> {
  const { host, loaded, body, exchange } = work;
  checkFields(body, loaded.pool.slots.length);
  const call = fitting(loaded, completionCall(loaded.model, prompt, body));
  const isStream = body['stream'] === true;
  let content = '';
  let last: object = {};
  try {
    for await (const event of host.answer(loaded, call, exchange)) {
      if (event.type === 'finish') last = ownEnd(loaded, event.reason, event.usage);
      if (event.type !== 'text') continue;
      content += event.text;
      if (isStream) await ownRecord(exchange, { index: 0, content: event.text, tokens: [], stop: false });
    }
  } catch (error) {
    if (error instanceof GenerationFailure && !exchange.headSent) throw new ApiFailure(500, error.message);
    throw error;
  }
  if (!isStream) return json(exchange, { index: 0, content, tokens: [], ...last });
  await ownRecord(exchange, { index: 0, content: '', tokens: [], ...last });
  await exchange.close();
}

async function ownRecord(exchange: Exchange, record: object): Promise<void> {
  if (!exchange.headSent) await exchange.open(200, llamaStyle('').streamHeaders);
  await exchange.write(`data: ${JSON.stringify(record)}\n\n`);
}

function ownEnd(loaded: LoadedModel, reason: 'stop' | 'length', usage: Usage): object {
  return {
    stop: true,
    model: loaded.model.name,
    tokens_predicted: usage.completionTokens,
    tokens_evaluated: usage.promptTokens,
    stop_type: reason === 'length' ? 'limit' : 'eos',
    tokens_cached: usage.promptTokens + usage.completionTokens,
    timings: timings(usage),
  };
}

/** POST /infill. */
export async function infill(work: Work): Promise<void> {
  if (!work.loaded.model.capabilities.includes('insert')) {
    const missing = 'prefix token is missing. suffix token is missing. middle token is missing. ';
    throw new ApiFailure(501, `Infill is not supported by this model: ${missing}`);
  }
  const { input_prefix: prefix, input_suffix: suffix } = work.body;
  await ownCompletion(work, `<PRE>${textIn(prefix) ?? ''}<SUF>${textIn(suffix) ?? ''}<MID>`);
}

/** The prompt must fit a slot; what is generated ends where the slot does. */
export function fitting(loaded: LoadedModel, call: Call): Call {
  const tokens = countTokens(call.prompt);
  const room = loaded.contextLength - tokens;
  if (room <= 0) throw contextOverflow(tokens, loaded.contextLength);
  return { ...call, maxTokens: Math.min(call.maxTokens, room) };
}
