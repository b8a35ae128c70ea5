import { isObject } from './go-decode.ts';

/** Ollama's options by the type that its error names; the rest is ignored. */
const integers = [
  'num_keep',
  'seed',
  'num_predict',
  'top_k',
  'repeat_last_n',
  'num_ctx',
  'num_batch',
  'num_gpu',
  'main_gpu',
  'num_thread',
  'draft_num_predict',
];
const floats = [
  'top_p',
  'min_p',
  'typical_p',
  'temperature',
  'repeat_penalty',
  'presence_penalty',
  'frequency_penalty',
];

/** An option of the wrong type: Ollama answers 500. */
export class OptionError extends Error {}

/** The options that the simulation heeds. */
export interface ReadOptions {
  readonly contextLength?: number;
  readonly numPredict: number;
  readonly stop: readonly string[];
  readonly seed?: number;
}

/** Reads `options`; throws {@link OptionError}. */
export function readOptions(options: Readonly<Record<string, unknown>> = {}): ReadOptions {
  for (const [name, value] of Object.entries(options)) check(name, value);
  const { num_ctx: context, num_predict: predict, stop, seed } = options;
  return {
    numPredict: typeof predict === 'number' ? Math.trunc(predict) : -1,
    stop: Array.isArray(stop) ? stop.filter((item) => typeof item === 'string') : [],
    ...(typeof context === 'number' && context > 0 ? { contextLength: Math.max(4, Math.trunc(context)) } : {}),
    ...(typeof seed === 'number' && seed !== -1 ? { seed } : {}),
  };
}

function check(name: string, value: unknown): void {
  if (value === null) return;
  if (integers.includes(name) && typeof value !== 'number') refuse(name, 'integer');
  if (floats.includes(name) && typeof value !== 'number') refuse(name, 'float32');
  if (name === 'use_mmap' && typeof value !== 'boolean') refuse(name, 'boolean');
  if (name !== 'stop') return;
  if (!Array.isArray(value)) refuse(name, 'array');
  if (!value.every((item) => typeof item === 'string'))
    throw new OptionError(`option "${name}" must be of an array of strings`);
}

function refuse(name: string, type: string): never {
  throw new OptionError(`option "${name}" must be of type ${type}`);
}

/** Throws the text of a `format` that is neither JSON nor a schema; the schema, `true` for JSON, or undefined. */
export function readFormat(format: unknown): unknown {
  if (format === undefined || format === null || format === '') return undefined;
  if (format === 'json') return true;
  if (isObject(format)) return format;
  const shown = JSON.stringify(JSON.stringify(format));
  throw new Error(`invalid format: ${shown}; expected "json" or a valid JSON Schema object`);
}
