import type { Endpoint, Protocol } from '../domain/endpoint.ts';
import { EndpointFailure, Refusal, RouterError } from '../errors.ts';
import { errorText, isErrorOf } from '../protocols/error-text.ts';
import type { UpstreamAnswer } from '../upstream/client.ts';
import { readSome } from '../upstream/read-all.ts';

/** Some servers repeat the whole request; what is longer is cut, in bytes, and then told in so many characters. */
const MAX_BYTES = 8 * 1024 * 1024;
const CUT_CHARACTERS = 2_000;

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
  const { body, isWhole } = await readSome(answer, MAX_BYTES);
  if (isKeyRefused(status, body)) throw keyRefused(status, endpoint);
  const readable = native && isErrorOf(protocol, body) ? body : undefined;
  const said = isWhole ? errorText(body) : body.toString('utf8', 0, CUT_CHARACTERS);
  throw new Refusal(status, said || `${endpoint.name} answered ${status}`, readable, answer.headers);
}

/** Throws where the endpoint refused the router's own key: no other key of the client's own could mend that. */
export function checkKey(status: number, endpoint: Endpoint): void {
  if ((status === 401 || status === 403) && endpoint.kind !== 'ollama') throw keyRefused(status, endpoint);
}

/** Ollama has no keys of its own: its 401 asks to sign in to its cloud, its 403 says why. Any other comes from in front of it. */
function isKeyRefused(status: number, body: Buffer): boolean {
  if (status === 401) return !body.includes('signin_url');
  return status === 403 && !isErrorOf('ollama', body) && !isErrorOf('openai', body);
}

function keyRefused(status: number, { name }: Endpoint): RouterError {
  const message = `endpoint ${name} refused the router's credentials (${status}); its operator must check the endpoint's key`;
  return new RouterError('upstream_auth', message);
}
