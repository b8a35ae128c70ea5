import { formOf, typeOf } from '../protocols/audio/forms.ts';
import type { Dice } from './ledger-dice.ts';
import type { Place } from './ledger-fleet.ts';

/** A request to a model, and what its answer will be like. */
export interface Question {
  readonly path: string;
  readonly body: object | Buffer;
  readonly contentType: string;
  readonly streams: boolean;
  /** Choices of each prompt, and prompts. */
  readonly choices: number;
  readonly prompts: number;
  readonly tools: boolean;
}

/** What may be asked of a model that speaks. */
export interface Wish {
  readonly model: string;
  readonly words: string;
  /** Tokens to say. */
  readonly length: number;
  readonly streams: boolean;
  readonly thinks?: boolean;
  readonly tools?: boolean;
  /** The client wants to be told of usage, where its protocol leaves that to it. */
  readonly usage?: boolean;
  readonly choices?: number;
  readonly prompts?: number;
}

export type Spoken = keyof typeof BODIES;

const SCHEMA = { type: 'object', properties: { city: { type: 'string' }, days: { type: 'integer' } } };
const FUNCTION = { name: 'weather', parameters: SCHEMA };

const sayOf = ({ words, length, tools = false }: Wish) => `${words} ${tools ? 'call weather' : `say ${length} tokens`}`;
const messagesOf = (wish: Wish) => [{ role: 'user', content: sayOf(wish) }];
const usageOf = ({ streams, usage = false }: Wish) =>
  streams && usage ? { stream_options: { include_usage: true } } : {};
const toolsOf = ({ tools = false }: Wish, tool: object) => (tools ? { tools: [tool] } : {});
const CALLABLE = { type: 'function', function: FUNCTION };

const BODIES = {
  '/api/chat': (wish: Wish) => ({ messages: messagesOf(wish), ...toolsOf(wish, CALLABLE) }),
  '/api/generate': (wish: Wish) => ({ prompt: sayOf(wish) }),
  '/v1/chat/completions': (wish: Wish) => ({
    messages: messagesOf(wish),
    ...usageOf(wish),
    ...toolsOf(wish, CALLABLE),
    ...(wish.choices !== undefined && { n: wish.choices }),
  }),
  '/v1/completions': (wish: Wish) => ({
    prompt: wish.prompts === undefined ? sayOf(wish) : new Array<string>(wish.prompts).fill(sayOf(wish)),
    ...usageOf(wish),
  }),
  '/v1/responses': (wish: Wish) => ({
    input: sayOf(wish),
    ...toolsOf(wish, { type: 'function', ...FUNCTION, strict: false }),
  }),
  '/v1/messages': (wish: Wish) => ({
    max_tokens: 2048,
    messages: messagesOf(wish),
    ...(wish.thinks === true && { thinking: { type: 'enabled', budget_tokens: 1024 } }),
    ...toolsOf(wish, { name: 'weather', input_schema: SCHEMA }),
  }),
};

export const SPOKEN = Object.keys(BODIES).filter((path): path is Spoken => path in BODIES);

/** A question that is answered in words. */
export function spoken(path: Spoken, wish: Wish): Question {
  const body = { model: wish.model, stream: wish.streams, ...BODIES[path](wish) };
  const { streams, choices = 1, prompts = 1, tools = false } = wish;
  return { path, body, contentType: 'application/json', streams, choices, prompts, tools };
}

/** A question without a word for an answer, or about sound. */
export type Still =
  | '/api/embed'
  | '/api/embeddings'
  | '/v1/embeddings'
  | '/v1/rerank'
  | '/v2/rerank'
  | '/rerank'
  | '/v1/messages/count_tokens'
  | '/v1/audio/transcriptions'
  | '/v1/systemone'
  | 'load'
  | 'unload';

/** What may be asked there beside words: no Ollama ranks, and of OpenAI's only the newer ones. */
export function stillsOf({ endpoint: { kind }, lacks, name }: Place): readonly Still[] {
  const ranks: readonly Still[] = ['/v1/rerank', '/v2/rerank', '/rerank'];
  const own: readonly Still[] = kind === 'ollama' || lacks.includes('/v1/rerank') ? [] : ranks;
  const counts =
    kind === 'llama-server' && !lacks.includes('/v1/messages') ? (['/v1/messages/count_tokens'] as const) : [];
  const scores = name === 'ollama-new' ? (['/v1/systemone'] as const) : [];
  const hears = name === 'ollama-old' ? [] : (['/v1/audio/transcriptions'] as const);
  return ['/api/embed', '/api/embeddings', '/v1/embeddings', 'load', 'unload', ...hears, ...scores, ...counts, ...own];
}

/** A question of this sort with random contents. */
export function still(sort: Still, model: string, place: Place, dice: Dice): Question {
  const fixed = { contentType: 'application/json', streams: false, choices: 1, prompts: 1, tools: false };
  const [text, texts] = [dice.words(), Array.from({ length: 1 + dice.below(4) }, () => dice.words())];
  const input = dice.chance(0.5) ? text : texts;
  switch (sort) {
    case 'load':
    case 'unload': {
      const keep = sort === 'load' ? {} : { keep_alive: 0 };
      const path = dice.pick(['/api/chat', '/api/generate']);
      return { ...fixed, path, body: { model, ...keep } };
    }
    case '/api/embed':
    case '/v1/embeddings':
      return { ...fixed, path: sort, body: { model, input } };
    case '/api/embeddings':
      return { ...fixed, path: sort, body: { model, prompt: text } };
    case '/rerank': {
      const isTei = place.endpoint.kind !== 'openai' && dice.chance(0.3);
      return { ...fixed, path: sort, body: { model, query: text, ...(isTei ? { texts } : { documents: texts }) } };
    }
    case '/v1/rerank':
    case '/v2/rerank':
      return { ...fixed, path: sort, body: { model, query: text, documents: texts } };
    case '/v1/messages/count_tokens':
      return { ...fixed, path: sort, body: { model, messages: [{ role: 'user', content: text }] } };
    case '/v1/systemone':
      return { ...fixed, path: sort, body: { model, state: text, questions: { really: { type: 'noul' } } } };
    case '/v1/audio/transcriptions': {
      const file = { name: 'file', filename: 'a.wav', value: Buffer.alloc(1 + dice.below(99), 'RIFF') };
      return {
        ...fixed,
        path: sort,
        contentType: typeOf('x'),
        body: formOf('x', [{ name: 'model', value: model }, file]),
      };
    }
  }
}
