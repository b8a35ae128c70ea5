import { checkMessagesBody } from '../forms/messages-check.ts';
import { anthropicError, vllmMessages } from '../forms/messages-styles.ts';
import { vllmResponses } from '../forms/responses-styles.ts';
import type { Capability } from '../simulation.ts';
import { isObject } from './body.ts';
import type { Dialect } from './dialect.ts';
import { ApiFailure } from './failure.ts';
import { vllmRanking } from './ranking.ts';
import { boolean, type Check, integer, list, number, object, textOrList } from './strict-fields.ts';
import { checkAbilities, checkTexts, fitting } from './vllm-refusals.ts';
import { vllmError, vllmErrorType, vllmStyle } from './vllm-style.ts';

const jsonType = [['Content-Type', 'application/json']] as const;
const defaultVllmVersion = '0.11.0';

/** What vLLM checks; it ignores fields that it does not know. */
const checks: Readonly<Record<string, Check>> = {
  messages: list,
  stream: boolean,
  stream_options: object,
  max_tokens: integer(1),
  max_completion_tokens: integer(1),
  temperature: number(0, Number.POSITIVE_INFINITY),
  top_p: number(0, 1),
  n: integer(1),
  stop: textOrList,
  seed: integer(),
  frequency_penalty: number(-2, 2),
  presence_penalty: number(-2, 2),
  repetition_penalty: number(0, Number.POSITIVE_INFINITY),
  tools: list,
};

/** What it calls its routes. */
const apis: Readonly<Partial<Record<Capability, string>>> = {
  completion: 'Chat Completions',
  embedding: 'Embeddings',
  rerank: 'Rerank (Score)',
  audio: 'Transcriptions',
};

/** vLLM. */
export const vllmDialect: Dialect = {
  style: vllmStyle,
  messages: vllmMessages,
  responses: vllmResponses,
  lacks: [],
  error: vllmError,
  // Anthropic's envelope around its own words.
  messagesError: (failure) =>
    anthropicError(failure.status, failure.message, undefined, failure.type ?? vllmErrorType(failure.status)),

  async answeredItself(host, exchange) {
    if (exchange.method !== 'GET') return false;
    if (exchange.path === '/health' || exchange.path === '/ping') await exchange.send(200, [], '');
    else if (exchange.path === '/version') {
      await exchange.send(200, jsonType, JSON.stringify({ version: host.options.version ?? defaultVllmVersion }));
    } else return false;
    return true;
  },

  refuseKey: (exchange) => exchange.send(401, jsonType, JSON.stringify({ error: 'Unauthorized' })),

  async unknownRoute(exchange, isKnownPath) {
    const [status, detail] = isKnownPath ? [405, 'Method Not Allowed'] : [404, 'Not Found'];
    await exchange.send(Number(status), jsonType, JSON.stringify({ detail }));
  },

  badJson: () =>
    new ApiFailure(400, "[{'type': 'json_invalid', 'loc': ('body', 0), 'msg': 'JSON decode error', 'input': {}}]", {
      type: 'Bad Request',
    }),

  model(host, name, wanted) {
    const model = typeof name === 'string' ? host.machine.find(name) : undefined;
    if (model === undefined)
      throw new ApiFailure(404, `The model \`${String(name)}\` does not exist.`, { param: 'model' });
    if (wanted !== undefined && !model.capabilities.includes(wanted)) {
      throw new ApiFailure(400, `The model does not support ${apis[wanted] ?? wanted} API`);
    }
    return model;
  },

  modelItem: (model) => ({
    id: model.name,
    object: 'model',
    created: Math.floor(model.modifiedAt.getTime() / 1000),
    owned_by: 'vllm',
    root: model.name,
    parent: null,
    max_model_len: model.contextLength,
    permission: [{ id: 'modelperm-simulated', object: 'model_permission', allow_sampling: true, is_blocking: false }],
  }),

  checkChat(body) {
    checkKnown(body);
    if (body['messages'] === undefined) refuse("'loc': ('body', 'messages'), 'msg': 'Field required'");
    if (body['stream_options'] !== undefined && body['stream_options'] !== null && body['stream'] !== true) {
      refuse("'msg': 'Value error, Stream options can only be defined when `stream=True`.'");
    }
  },

  // Pictures are held against the model with its other abilities.
  checkMessages: () => undefined,

  checkCompletion(body) {
    checkKnown(body);
    if (body['prompt'] === undefined) refuse("'loc': ('body', 'prompt'), 'msg': 'Field required'");
  },

  checkEmbedding(body) {
    if (body['input'] === undefined) refuse("'loc': ('body', 'input'), 'msg': 'Field required'");
  },

  checkResponse(body) {
    checkKnown(body);
    if (body['input'] === undefined) refuse("'loc': ('body', 'input'), 'msg': 'Field required'");
    const previous = body['previous_response_id'];
    if (previous !== undefined && previous !== null) {
      throw new ApiFailure(404, `Response with id '${String(previous)}' not found.`, { type: 'invalid_request_error' });
    }
  },

  checkRerank(body) {
    for (const name of ['query', 'documents']) {
      if (body[name] === undefined) refuse(`'loc': ('body', '${name}'), 'msg': 'Field required'`);
    }
    const documents: unknown = body['documents'];
    const areTexts = Array.isArray(documents) && documents.every((item) => typeof item === 'string' || isObject(item));
    if (!areTexts) refuse("'loc': ('body', 'documents'), 'msg': 'Input should be a valid list'");
  },
  rankingAnswer: vllmRanking,

  checkTranscription(request) {
    if (request?.file === undefined) refuse("'loc': ('body', 'file'), 'msg': 'Field required'");
    if (!['json', 'text'].includes(request.format)) {
      throw new ApiFailure(400, 'Currently only support response_format `text`, `json` or `verbose_json`');
    }
    return request;
  },

  checkMessagesBody: (body) => checkMessagesBody(body, false),
  checkAbilities,
  checkTexts,
  fitting,
};

function checkKnown(body: Readonly<Record<string, unknown>>): void {
  for (const [name, check] of Object.entries(checks)) {
    const value = body[name];
    const wrong = value === undefined || value === null ? undefined : check(value);
    if (wrong !== undefined) refuse(`'loc': ('body', '${name}'), 'msg': 'Invalid ${wrong}'`);
  }
}

function refuse(detail: string): never {
  throw new ApiFailure(400, `[{'type': 'value_error', ${detail}}]`);
}
