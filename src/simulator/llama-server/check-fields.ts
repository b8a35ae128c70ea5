import { type Body, objectIn, textIn } from '../openai/body.ts';
import { ApiFailure } from '../openai/failure.ts';
import { wrongType } from './json-error.ts';

const int32 = 2_147_483_647;

/** Fields that llama-server checks itself, with the range it takes. */
const ranges: Readonly<Record<string, readonly [low: number, high: number]>> = {
  n_predict: [-1, int32],
  max_tokens: [-1, int32],
  max_completion_tokens: [-1, int32],
  repeat_last_n: [0, int32],
  dry_penalty_last_n: [0, int32],
  n_keep: [-1, int32],
};

const numbers = [
  'temperature',
  'top_k',
  'top_p',
  'min_p',
  'typical_p',
  'repeat_penalty',
  'presence_penalty',
  'frequency_penalty',
  'seed',
  'mirostat',
  'mirostat_tau',
  'mirostat_eta',
  'n_probs',
  'logprobs',
];

const booleans = ['stream', 'cache_prompt', 'timings_per_token', 'return_progress'];

/** Refuses values of fields that llama-server refuses, of a chat or of a plain prompt. */
export function checkFields(body: Body, slots: number): void {
  for (const name of booleans) checkBoolean(name, body[name]);
  checkBoolean('include_usage', objectIn(body['stream_options'])['include_usage']);
  for (const [name, range] of Object.entries({ ...ranges, n: [1, slots] as const }))
    checkRange(name, body[name], range);
  for (const name of numbers) checkNumber(name, body[name]);
  checkStops(body['stop']);
  checkSamplers(body);
}

function checkBoolean(name: string, value: unknown): void {
  if (isGiven(value) && typeof value !== 'boolean') refuse(`Field '${name}': ${wrongType('boolean', value)}`);
}

/** A truth value is a number, too. */
function checkNumber(name: string, value: unknown): void {
  if (!isGiven(value) || typeof value === 'number' || typeof value === 'boolean') return;
  refuse(`Field '${name}': ${wrongType('number', value)}`);
}

function checkRange(name: string, value: unknown, [low, high]: readonly [number, number]): void {
  checkNumber(name, value);
  if (!isGiven(value) || (Number(value) >= low && Number(value) <= high)) return;
  refuse(`Field '${name}': Value must be between ${low} <= value <= ${high}, but got ${Number(value)}`);
}

function checkStops(stop: unknown): void {
  const wrong = Array.isArray(stop) ? stop.find((text) => typeof text !== 'string') : undefined;
  if (wrong !== undefined) refuse(`Field 'stop': ${wrongType('string', wrong)}`);
}

/** What only the samplers refuse when they are made. */
function checkSamplers(body: Body): void {
  const { repeat_penalty: penalty } = body;
  const grammar = textIn(body['grammar']) ?? '';
  const failed = 'Failed to initialize samplers';
  if (grammar !== '' && !grammar.includes('::=')) refuse(`${failed}: failed to parse grammar`);
  if (typeof penalty === 'number' && penalty <= 0) {
    refuse(`${failed}: penalty_repeat must be finite and greater than 0`);
  }
}

/** A null is as nothing. */
function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function refuse(message: string): never {
  throw new ApiFailure(400, message);
}
