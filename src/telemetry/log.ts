import type { Endpoint } from '../domain/endpoint.ts';
import type { EndpointFailure } from '../errors.ts';
import type { EndpointState } from '../routing/catalog.ts';

/** What the router tells its operator while it runs. Never prompts, answers or keys. */
export interface Log {
  /** An endpoint became healthy or unreachable. */
  endpointChanged(state: EndpointState): void;
  /** An endpoint failed to answer a request, or broke off in the middle of it. */
  answerFailed(endpoint: Endpoint, failure: EndpointFailure): void;
  /** A tag has another digest on one endpoint than on another. */
  digestsDiffer(name: string, digests: readonly (readonly [endpoint: string, digest: string])[]): void;
  /** Something failed that neither a client nor an endpoint explains. */
  fault(error: unknown): void;
}

/** One line per event, with its time, through `write`. */
export function lineLog(write: (line: string) => void): Log {
  const say = (text: string) => write(`${new Date().toISOString()} ${text}`);
  return {
    endpointChanged({ endpoint, health, findings, detail }) {
      const what = health === 'healthy' ? `healthy, ${findings?.models.length ?? 0} models` : `unreachable: ${detail}`;
      say(`endpoint ${endpoint.name} ${what}`);
    },
    answerFailed({ name }, { message }) {
      say(`endpoint ${name} failed a request: ${message}`);
    },
    digestsDiffer(name, digests) {
      const where = digests.map(([endpoint, digest]) => `${digest.slice(0, 12)} on ${endpoint}`);
      say(`model ${name} differs: ${where.join(', ')}`);
    },
    fault(error) {
      say(`internal error: ${error instanceof Error ? error.stack : String(error)}`);
    },
  };
}
