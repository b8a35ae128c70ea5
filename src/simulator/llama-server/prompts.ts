import { isObject, objectsIn, textIn } from '../openai/body.ts';
import { ApiFailure } from '../openai/failure.ts';

const unreadable =
  '"prompt" elements must be a string, a list of tokens, a JSON object containing a prompt string, or a list of mixed strings & tokens.';

/** One prompt or many: texts, tokens, or both mixed; `status` is what the route answers to anything else. */
export function readPrompts(value: unknown, status: number): string[] {
  if (!Array.isArray(value)) return [promptOf(value, status)];
  if (value.length === 0) throw new ApiFailure(status, '"prompt" must not be empty');
  return value.some(isToken) ? [promptOf(value, status)] : value.map((prompt) => promptOf(prompt, status));
}

function promptOf(value: unknown, status: number): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value) && value.every((item) => isToken(item) || typeof item === 'string')) return value.join(' ');
  if (isObject(value) && typeof value['prompt_string'] === 'string') return value['prompt_string'];
  if (!isObject(value) || value['content'] === undefined) throw new ApiFailure(status, unreadable);
  if (!Array.isArray(value['content'])) throw new ApiFailure(400, '"content" must be an array');
  return objectsIn(value['content'])
    .map((part) => textIn(part['text']) ?? '')
    .join('');
}

function isToken(value: unknown): boolean {
  return Number.isInteger(value);
}
