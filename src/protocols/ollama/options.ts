import type { AskPart, RawJson, Sampling } from '../../domain/ask.ts';
import { RouterError } from '../../errors.ts';
import { Fields } from '../json/fields.ts';

/** Ollama's option names that an ask has a place for, and the types that its error texts give them. */
const OPTIONS: Readonly<Record<string, readonly [Exclude<keyof Sampling, 'stop'>, 'integer' | 'float32']>> = {
  num_predict: ['maxTokens', 'integer'],
  num_ctx: ['contextLength', 'integer'],
  temperature: ['temperature', 'float32'],
  top_p: ['topP', 'float32'],
  top_k: ['topK', 'integer'],
  min_p: ['minP', 'float32'],
  typical_p: ['typicalP', 'float32'],
  seed: ['seed', 'integer'],
  presence_penalty: ['presencePenalty', 'float32'],
  frequency_penalty: ['frequencyPenalty', 'float32'],
  repeat_penalty: ['repeatPenalty', 'float32'],
  repeat_last_n: ['repeatLastN', 'integer'],
  num_keep: ['keep', 'integer'],
  mirostat: ['mirostat', 'integer'],
  mirostat_tau: ['mirostatTau', 'float32'],
  mirostat_eta: ['mirostatEta', 'float32'],
};

/** The request's `options` as far as other protocols know them. Throws `invalid_parameter` for a wrong type. */
export function sampling(fields: Fields): Sampling {
  const given = fields.object('options', 'Options');
  if (given === undefined) return {};
  // Go decodes the options to a map, whose keys have no other spelling.
  const options = new Fields(given.bytes, given.brace, { struct: 'Options', foldCase: false });
  const read: Record<string, RawJson> = {};
  for (const [option, [name, type]] of Object.entries(OPTIONS)) {
    const value = number(options, option, type);
    if (value !== undefined) read[name] = value;
  }
  const stop = stops(options);
  return stop.length > 0 ? { ...read, stop } : read;
}

/** The options that no other kind of endpoint can be told of, as `options.num_gpu`. */
export function unknownOptions(fields: Fields): string[] {
  const given = fields.object('options', 'Options');
  const unknown = (given?.members ?? []).filter(({ key }) => key !== 'stop' && !Object.hasOwn(OPTIONS, key));
  return unknown.map(({ key }) => `options.${key}`);
}

/** What Ollama's clients call a part of an ask. */
export function optionName(part: AskPart): string {
  if (part === 'stop') return 'options.stop';
  const option = Object.entries(OPTIONS).find(([, [name]]) => name === part)?.[0];
  return option === undefined ? (OTHER_NAMES[part] ?? part) : `options.${option}`;
}

const OTHER_NAMES: Readonly<Partial<Record<AskPart, string>>> = {
  topLogprobs: 'top_logprobs',
  reasoning: 'messages.thinking',
};

/** The number as it was written; Ollama cuts the fraction off where it wants an integer. */
function number(options: Fields, option: string, type: 'integer' | 'float32'): RawJson | undefined {
  const found = options.type(option);
  if (found === undefined) return undefined;
  if (found !== 'number') throw wrongType(option, type);
  const raw = options.number(option) ?? '0';
  if (type === 'float32' || /^-?\d+$/.test(raw)) return raw;
  const whole = Math.trunc(Number(raw));
  if (!Number.isFinite(whole)) throw wrongType(option, type);
  return String(whole);
}

function stops(options: Fields): string[] {
  const found = options.type('stop');
  if (found !== undefined && found !== 'array') throw wrongType('stop', 'array');
  return options.strings('stop');
}

function wrongType(option: string, type: string): RouterError {
  return new RouterError('invalid_parameter', `option "${option}" must be of type ${type}`, { param: option });
}
