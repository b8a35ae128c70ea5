import type { Endpoint, Protocol } from '../domain/endpoint.ts';
import { EndpointFailure, Refusal, RouterError } from '../errors.ts';
import { errorText, isErrorOf } from '../protocols/error-text.ts';
import type { UpstreamAnswer } from '../upstream/client.ts';
import { readAll } from '../upstream/read-all.ts';

/** Nobody explains a refusal at greater length, in bytes. */
const MAX_BYTES = 1024 * 1024;

/** Throws what an endpoint's answer other than a success means: `Refusal`, `EndpointFailure` or `RouterError`. */
export async function refuse(
  answer: UpstreamAnswer,
  endpoint: Endpoint,
  protocol: Protocol,
  native: boolean,
): Promise<never> {
  const { status } = answer;
  if (status < 400) throw new EndpointFailure('invalid', `answered with a redirect (${status})`);
  checkKey(status, endpoint);
  const body = await readAll(answer, MAX_BYTES);
  const readable = native && isErrorOf(protocol, body) ? body : undefined;
  throw new Refusal(status, errorText(body) || `${endpoint.name} answered ${status}`, readable, answer.headers);
}

/** Throws where the endpoint refused the router's own key: no other key of the client's own could mend that. */
export function checkKey(status: number, { kind, name }: Endpoint): void {
  if ((status !== 401 && status !== 403) || kind === 'ollama') return;
  const message = `endpoint ${name} refused the router's credentials (${status}); its operator must check the endpoint's key`;
  throw new RouterError('upstream_auth', message);
}
