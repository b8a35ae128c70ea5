import type { Protocol } from '../domain/endpoint.ts';
import { asObject, asString, type JsonObject } from '../domain/json.ts';

/** What an endpoint's error answer says, whatever shape it has: Ollama's, OpenAI's, an old vLLM's, or plain text. */
export function errorText(body: Buffer): string {
  const object = parse(body);
  const { error } = object ?? {};
  const said = asString(error) ?? asString(asObject(error)?.['message']) ?? asString(object?.['message']);
  return said ?? body.toString('utf8').trim();
}

/** Whether an error body is already as clients of the protocol expect it. */
export function isErrorOf(protocol: Protocol, body: Buffer): boolean {
  const error = parse(body)?.['error'];
  return protocol === 'ollama' ? typeof error === 'string' : asString(asObject(error)?.['message']) !== undefined;
}

function parse(body: Buffer): JsonObject | undefined {
  try {
    return asObject(JSON.parse(body.toString('utf8')));
  } catch {
    return undefined;
  }
}
