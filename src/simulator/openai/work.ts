import type { Exchange } from '../exchange.ts';
import type { Host } from '../host.ts';
import type { Body } from './body.ts';
import type { Dialect } from './dialect.ts';

/** What a route works with. */
export interface Work {
  readonly host: Host;
  readonly exchange: Exchange;
  readonly dialect: Dialect;
  readonly body: Body;
}
