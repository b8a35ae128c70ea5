import { asArray, asObject, asString, type JsonObject, type JsonValue } from '../../src/domain/json.ts';

/**
 * Where the records end that say something of an answer, in a stream of lines or of events that end with LF. Reads every
 * record in full, as no pipe does.
 */
export function endsOfSaying(stream: Buffer): number[] {
  const text = stream.toString('latin1');
  const mark = text.startsWith('{') ? '\n' : '\n\n';
  const found: number[] = [];
  for (let from = 0; from < text.length; ) {
    const end = text.indexOf(mark, from) + mark.length;
    const record = recordIn(text.slice(from, end));
    if (record !== undefined && says(record)) found.push(end);
    from = end;
  }
  return found;
}

function recordIn(text: string): JsonObject | undefined {
  const json = text.startsWith('{') ? text : text.slice(text.indexOf('data: ') + 'data: '.length);
  return json.startsWith('[DONE]') ? undefined : asObject(JSON.parse(json));
}

function says(record: JsonObject): boolean {
  const type = asString(record['type']) ?? '';
  const block = asObject(record['content_block']);
  const item = asObject(record['item']);
  if (type.startsWith('response.')) {
    return type.endsWith('.delta')
      ? isText(record['delta'])
      : type.endsWith('.added') && item?.['type'] === 'function_call';
  }
  if (type !== '') return block?.['type'] === 'tool_use' || (type === 'content_block_delta' && speaks(record['delta']));
  const [choice] = asArray(record['choices']);
  if (choice === undefined) return speaks(record['message'] ?? record);
  // Ollama's completions show nothing of reasoning but an empty text.
  const isHidden = record['object'] === 'text_completion' && record['system_fingerprint'] === 'fp_ollama';
  return isHidden ? asObject(choice)?.['finish_reason'] === null : speaks(asObject(choice)?.['delta'] ?? choice);
}

const TEXTS = ['content', 'text', 'thinking', 'reasoning', 'reasoning_content', 'response', 'partial_json'];

function speaks(value: JsonValue | undefined): boolean {
  const said = asObject(value) ?? {};
  return TEXTS.some((key) => isText(said[key])) || asArray(said['tool_calls']).length > 0;
}

function isText(value: JsonValue | undefined): boolean {
  return typeof value === 'string' && value !== '';
}
