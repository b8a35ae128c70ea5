import type { EndpointKind } from '../../domain/endpoint.ts';
import { withoutLocal } from '../../domain/model-name.ts';
import type { Call, Operation, Translation } from '../call.ts';
import type { Fields } from '../json/fields.ts';
import { objectText, text } from '../json/write.ts';
import { acknowledgement, OllamaEncoder, type Shape } from './answer-encoder.ts';
import { embedAsk, embeddingsAsk, encodeEmbedAnswer, encodeEmbeddingsAnswer } from './embed.ts';
import { modelRequired, noModelNamed, operation, type Traits } from './operation.ts';
import { optionName } from './options.ts';
import { chatAsk, generateAsk, isRenderOnly, keepAlive } from './request.ts';

/** Who does not speak Ollama's protocol. */
const OTHERS: readonly EndpointKind[] = ['llama-server', 'vllm', 'openai'];

/** `/api/chat`: without messages it loads or unloads the model. */
export const chat: Operation = operation({
  path: '/api/chat',
  struct: 'ChatRequest',
  streams,
  requireModel: modelRequired,
  notFound,
  intent: (fields) => (fields.isEmptyArray('messages', 'Message') ? control(fields) : 'answer'),
  ...speaking('chat', chatAsk),
});

/** `/api/generate`: without a prompt it loads or unloads the model, whatever else it brings. */
export const generate: Operation = operation({
  path: '/api/generate',
  struct: 'GenerateRequest',
  streams,
  requireModel: noModelNamed,
  notFound,
  intent: (fields) => (fields.isEmptyText('prompt') ? control(fields) : 'answer'),
  ...speaking('generate', generateAsk),
});

/** Ollama's words for a text to embed that has too many tokens. */
const TOO_LONG = 'the input length exceeds the context length';

/** `/api/embed`: a vector per text; without texts it loads the model. */
export const embed: Operation = operation({
  path: '/api/embed',
  struct: 'EmbedRequest',
  requireModel: noModelNamed,
  notFound: notPulled,
  intent: (fields) => (/^(""|\[\s*\])?$/.test(fields.raw('input') ?? '') ? 'load' : 'answer'),
  // Clients insist on the numbers.
  acknowledge: ({ model }) =>
    objectText({
      model: text(model),
      embeddings: '[]',
      total_duration: '1',
      load_duration: '0',
      prompt_eval_count: '0',
    }),
  translation: { kind: 'embedding', targets: OTHERS, overflow: TOO_LONG, ask: embedAsk, encode: encodeEmbedAnswer },
});

/** `/api/embeddings`, the old form: one text, one vector. */
export const embeddings: Operation = operation({
  path: '/api/embeddings',
  struct: 'EmbeddingRequest',
  requireModel: modelRequired,
  notFound: notPulled,
  intent: (fields) => (fields.isEmptyText('prompt') ? 'load' : 'answer'),
  acknowledge: () => objectText({ embedding: '[]' }),
  translation: {
    kind: 'embedding',
    targets: OTHERS,
    overflow: TOO_LONG,
    ask: embeddingsAsk,
    encode: encodeEmbeddingsAnswer,
  },
});

/** `/api/show`: a question about a model. Clients name it in either field and leave the other one empty. */
export const show: Operation = operation({
  path: '/api/show',
  struct: 'ShowRequest',
  modelFields: ['model', 'name'],
  requireModel: modelRequired,
  notFound: (model) => notFound(withoutLocal(model).trim()),
});

function notFound(model: string): string {
  return `model '${model}' not found`;
}

function notPulled(model: string): string {
  return `model ${JSON.stringify(model)} not found, try pulling it first`;
}

/** A rendered prompt is one object, whatever the request says. */
function streams(fields: Fields): boolean {
  return (fields.boolean('stream') ?? true) && !isRenderOnly(fields);
}

/** What a request that has nothing to answer asks for. */
function control(fields: Fields): Call['intent'] {
  return keepAlive(fields) === 0 ? 'unload' : 'load';
}

function speaking(shape: Shape, ask: Translation['ask']): Pick<Traits, 'acknowledge' | 'shape' | 'translation'> {
  return {
    shape,
    acknowledge: ({ model, intent }) => acknowledgement(shape, model, intent === 'unload' ? 'unload' : 'load'),
    translation: {
      kind: 'answer',
      targets: OTHERS,
      ask,
      encoder: (call, now) => new OllamaEncoder(shape, call.model, call.streaming, now),
      nameOf: optionName,
    },
  };
}
