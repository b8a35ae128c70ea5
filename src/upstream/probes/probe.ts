import type { Endpoint } from '../../domain/endpoint.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { Findings } from '../../domain/model.ts';
import { EndpointFailure } from '../../errors.ts';

/** An endpoint answered a probe's question with anything but a 200. */
export class OddStatus extends EndpointFailure {
  readonly status: number;

  constructor(status: number, path: string) {
    super('invalid', `answered ${status} to GET ${path}`);
    this.status = status;
  }
}

/** Asks a question of the endpoint: the answer's object. Rejects with `EndpointFailure`, `OddStatus` unless it is a 200. */
export type Get = (path: string) => Promise<JsonObject>;

/** Finds out what an endpoint has; `before` is what was found last. None of its questions loads or wakes a model. */
export type Probe = (endpoint: Endpoint, get: Get, before: Findings | undefined) => Promise<Findings>;
