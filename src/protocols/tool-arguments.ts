import type { RawJson } from '../domain/ask.ts';

/** Arguments of a call as the JSON object they must be, to the letter; no text is none. Undefined where they are anything else. */
export function argumentsObject(json: string): RawJson | undefined {
  if (json.trim() === '') return '{}';
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? json : undefined;
  } catch {
    return undefined;
  }
}
