import type { Protocol } from '../domain/endpoint.ts';
import { asObject, asString, type JsonObject } from '../domain/json.ts';
import { parseObject } from './json/parse.ts';
import { jsonText } from './json/write.ts';

/** What an endpoint's error answer says, whatever shape it has: Ollama's, OpenAI's, a web framework's, or plain text. */
export function errorText(body: Buffer): string {
  const object = parseObject(body.toString('utf8'));
  const said = object && (errorOf(object) ?? asString(object['message']) ?? asString(object['detail']));
  return said ?? body.toString('utf8').trim();
}

/** What a record says when it reports a failure instead of an answer; undefined where it does not. */
export function errorOf(record: JsonObject): string | undefined {
  const { error } = record;
  // Very old builds of vLLM put the fields at the top.
  if (record['object'] === 'error') return asString(record['message']) ?? jsonText(record);
  if (error === undefined || error === null || error === false || error === '') return undefined;
  return readable(asString(error) ?? asString(asObject(error)?.['message']) ?? jsonText(error));
}

/** Ollama passes its runner's errors on as it got them: a whole answer of llama-server as a text of JSON. */
function readable(message: string): string {
  const inner = message.startsWith('{') ? parseObject(message) : undefined;
  return (inner && errorOf(inner)) ?? message;
}

/** Whether an error body is already as clients of the protocol expect it. */
export function isErrorOf(protocol: Protocol, body: Buffer): boolean {
  const object = parseObject(body.toString('utf8'));
  const error = object?.['error'];
  if (protocol === 'ollama') return typeof error === 'string';
  if (protocol === 'anthropic' && object?.['type'] !== 'error') return false;
  return asString(asObject(error)?.['message']) !== undefined;
}
