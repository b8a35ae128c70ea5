import type { Think } from '../domain/ask.ts';
import { invalid } from './refuse.ts';

/** How much OpenAI's clients want a model to think. */
const EFFORTS: ReadonlyMap<string, Think> = new Map<string, Think>([
  ['none', false],
  ['minimal', 'minimal'],
  ['low', 'low'],
  ['medium', 'medium'],
  ['high', 'high'],
  ['xhigh', 'xhigh'],
  ['max', 'max'],
  ['ultra', 'max'],
]);

/** Undefined leaves it to the model. Throws `invalid_parameter`, named `param`. */
export function thinkOf(effort: string | undefined, param: string): Think | undefined {
  if (effort === undefined || effort === '') return undefined;
  const level = EFFORTS.get(effort);
  if (level === undefined) throw invalid(param, `invalid reasoning value: ${JSON.stringify(effort)}`);
  return level;
}
