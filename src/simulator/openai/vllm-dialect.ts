import { countTokens } from '../text.ts';
import { objectsIn } from './body.ts';
import type { Dialect } from './dialect.ts';
import { ApiFailure } from './failure.ts';
import { boolean, type Check, integer, list, number, object, textOrList } from './strict-fields.ts';
import { vllmError, vllmStyle } from './vllm-style.ts';

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

/** vLLM. */
export const vllmDialect: Dialect = {
  style: vllmStyle,
  error: vllmError,

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
    if (wanted === 'embedding' && !model.capabilities.includes('embedding')) {
      throw new ApiFailure(400, 'The model does not support Embeddings API');
    }
    if (wanted === 'completion' && !model.capabilities.includes('completion')) {
      throw new ApiFailure(400, 'The model does not support Chat Completions API');
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

  checkMessages(messages, model) {
    const parts = objectsIn(messages).flatMap((message) => objectsIn(message['content']));
    if (parts.some((part) => part['type'] === 'image_url') && !model.capabilities.includes('vision')) {
      throw new ApiFailure(400, `${model.name} is not a multimodal model`);
    }
  },

  checkCompletion(body) {
    checkKnown(body);
    if (body['prompt'] === undefined) refuse("'loc': ('body', 'prompt'), 'msg': 'Field required'");
  },

  checkEmbedding(body) {
    if (body['input'] === undefined) refuse("'loc': ('body', 'input'), 'msg': 'Field required'");
  },

  fitting(call) {
    const tokens = countTokens(call.prompt);
    const { contextLength } = call.model;
    const room = contextLength - tokens;
    const asked = Number.isFinite(call.maxTokens) ? call.maxTokens : 1;
    if (asked > room) {
      const message = `This model's maximum context length is ${contextLength} tokens. However, you requested ${tokens + asked} tokens (${tokens} in the messages, ${asked} in the completion). Please reduce the length of the messages or completion.`;
      throw new ApiFailure(400, message);
    }
    return { ...call, maxTokens: Math.min(call.maxTokens, room) };
  },
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
