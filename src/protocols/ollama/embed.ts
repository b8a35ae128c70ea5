import type { EmbeddingAsk, Vectors } from '../../domain/ask.ts';
import { RouterError } from '../../errors.ts';
import type { Call } from '../call.ts';
import type { Fields } from '../json/fields.ts';
import { scanArray } from '../json/scan.ts';
import { arrayText, objectText, text } from '../json/write.ts';
import { vectorText } from '../vectors.ts';
import { keepAlive, unknownFields } from './request.ts';

/** Decodes `/api/embed` in full, for endpoints that do not speak Ollama's protocol. */
export function embedAsk({ fields }: Call): EmbeddingAsk {
  const input = fields.raw('input') ?? '""';
  const count = countTexts(fields);
  return { input, count, dimensions: dimensions(fields), dropped: dropped(fields, EMBED_FIELDS) };
}

/** Decodes `/api/embeddings`, the old form. */
export function embeddingsAsk({ fields }: Call): EmbeddingAsk {
  const input = fields.raw('prompt') ?? '""';
  return { input, count: 1, dimensions: undefined, dropped: dropped(fields, EMBEDDINGS_FIELDS) };
}

/** The answer of `/api/embed`. Clients insist on its numbers, none of which Ollama's own answer is sure to have. */
export function encodeEmbedAnswer({ model }: Call, { vectors, promptTokens }: Vectors, durationMs: number): string {
  return objectText({
    model: text(model),
    embeddings: arrayText(vectors.map(vectorText)),
    total_duration: text(Math.max(1, Math.round(durationMs * 1e6))),
    load_duration: '0',
    prompt_eval_count: text(promptTokens),
  });
}

/** The answer of `/api/embeddings`. */
export function encodeEmbeddingsAnswer(_call: Call, { vectors }: Vectors): string {
  return objectText({ embedding: vectorText(vectors[0] ?? []) });
}

/** How many texts there are; nothing else may be embedded. */
function countTexts(fields: Fields): number {
  const input = fields.member('input');
  if (input === undefined || fields.type('input') === 'string') return 1;
  if (fields.type('input') !== 'array') throw noTexts();
  const elements = scanArray(fields.bytes, input.start);
  if (elements.some(({ start }) => fields.bytes[start] !== QUOTE)) throw noTexts();
  return elements.length;
}

const QUOTE = 0x22;

function noTexts(): RouterError {
  return new RouterError('invalid_parameter', 'invalid input type', { param: 'input' });
}

/** Ollama takes 0 and less for "all". */
function dimensions(fields: Fields): number | undefined {
  const raw = fields.number('dimensions', 'int') ?? '0';
  if (!/^-?\d+$/.test(raw)) fields.fail('dimensions', `number ${raw}`, 'int');
  return Number(raw) > 0 ? Number(raw) : undefined;
}

/** What is asked of other endpoints, or changes nothing on Ollama either. */
const EMBED_FIELDS = new Set(['model', 'input', 'dimensions', 'options', 'stream']);
const EMBEDDINGS_FIELDS = new Set(['model', 'prompt', 'options', 'stream']);

/** Other endpoints never cut a text that is too long: to want that is no use, not to want it is. */
function dropped(fields: Fields, known: ReadonlySet<string>): string[] {
  keepAlive(fields);
  const isMet = (name: string) => name === 'truncate' && fields.boolean(name) === false;
  return [...unknownFields(fields, known).filter((name) => !isMet(name)), ...options(fields)];
}

function options(fields: Fields): string[] {
  const given = fields.object('options', 'Options');
  const names = (given?.members ?? []).map(({ key }) => key);
  return names.filter((name) => given?.type(name) !== undefined).map((name) => `options.${name}`);
}
