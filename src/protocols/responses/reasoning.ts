import type { Fields } from '../json/fields.ts';

/** Where reasoning goes that the client sends back. */
interface Thinker {
  thought(text: string): void;
  readonly dropped: string[];
}

/** OpenAI's reasoning in a form that it alone can read. */
const SEALED = /^gAAAA[\w-]{40,}=*$/;

/** Reads a `reasoning` item: its text, else its summary, else what servers that hide nothing call encrypted. */
export function readReasoning(item: Fields, turns: Thinker): void {
  const text = texts(item, 'content') || texts(item, 'summary');
  const encrypted = item.string('encrypted_content') ?? '';
  if (text !== '') turns.thought(text);
  else if (SEALED.test(encrypted)) turns.dropped.push('input.reasoning.encrypted_content');
  else if (encrypted !== '') turns.thought(encrypted);
}

function texts(item: Fields, key: 'content' | 'summary'): string {
  const parts = item.objects(key, 'ResponsesReasoningText').map((part) => part.string('text') ?? '');
  return parts.filter((part) => part !== '').join('\n');
}
