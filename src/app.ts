import type { AddressInfo } from 'node:net';
import type { Config } from './config/config.ts';
import { type Outlets, observe } from './observation.ts';
import { Heartbeats } from './relay/heartbeats.ts';
import type { Line } from './relay/line.ts';
import { Catalog, type EndpointState } from './routing/catalog.ts';
import { changedDigests, differingDigests, digestOf } from './routing/digests.ts';
import { loadedFirst } from './routing/policy.ts';
import { Router } from './routing/router.ts';
import { Slots } from './routing/slots.ts';
import { Gate } from './server/auth.ts';
import { BodyBudget } from './server/body.ts';
import { Cors } from './server/cors.ts';
import { RouteTable } from './server/route.ts';
import { routes } from './server/routes.ts';
import { createServer } from './server/server.ts';
import type { Log } from './telemetry/log.ts';
import { Http1Client } from './upstream/http1-client.ts';
import { ImageFetcher } from './upstream/image-fetch/image-fetcher.ts';
import { DEFAULT_PACE, type Pace, Prober } from './upstream/prober.ts';
import { WriteBatch } from './upstream/write-batch.ts';

/** The router, put together from its configuration. */
export interface App {
  /** Starts to listen and to ask the endpoints what they have. Rejects where the port cannot be had. */
  listen(): Promise<AddressInfo>;
  /** Resolves when every endpoint has been asked once, after `limitMs` at the latest. */
  probed(limitMs: number): Promise<void>;
  states(): EndpointState[];
  /** Takes no new requests and resolves when those in flight are done, or their time is over. */
  drain(): Promise<void>;
}

/** What comes from outside of the configuration. */
export interface Surroundings extends Outlets {
  /** For tests of probing. */
  readonly pace?: Pace;
}

/** The composition root: the one place that sees the whole configuration. */
export function createApp(config: Config, surroundings: Surroundings): App {
  const { log, pace = DEFAULT_PACE } = surroundings;
  const catalog = new Catalog(config.endpoints);
  const router = new Router(catalog, new Slots(), loadedFirst, config.maxConcurrentConnections);
  const batch = new WriteBatch();
  const upstream = new Http1Client(batch);
  const prober = new Prober(
    upstream,
    catalog,
    (endpoint) => {
      // What comes back may be another server.
      router.gaps.forget(endpoint);
      log.endpointChanged(catalog.state(endpoint));
    },
    pace,
    newFindings(router, log),
  );
  const observation = observe(config, router, surroundings);
  const line: Line = {
    router,
    upstream,
    ledger: observation.ledger,
    probe: (endpoint) => prober.probe(endpoint),
    failed(endpoint, failure) {
      if (failure.reason === 'unreachable') catalog.failed(endpoint, failure.message, false);
      log.answerFailed(endpoint, failure);
      void prober.probe(endpoint);
    },
    heartbeats: new Heartbeats(config.timeouts.heartbeat),
    pictures: new ImageFetcher({ hosts: config.imageHosts }),
    recovery: config.recovery,
    tellsRoute: config.responseHeaders,
    traceparentFor: observation.otlp?.traceparentFor,
    timeouts: config.timeouts,
    now: () => performance.now(),
  };
  const budget = new BodyBudget(config.limits.bodyBytes, config.limits.heldBytes);
  const { server, drain: drainServer } = createServer({
    routes: new RouteTable(routes({ line, budget, keyRequired: config.routerKey !== undefined, ...observation })),
    gate: new Gate(config.routerKey),
    cors: new Cors(config.corsOrigins),
    batch,
    clientIdleMs: config.timeouts.clientIdle,
    onFault: log.fault,
    witness: observation.witness,
  });

  function listen(): Promise<AddressInfo> {
    return new Promise((resolve, reject) => {
      server.once('error', (error) => {
        void observation.close();
        reject(error);
      });
      server.listen(config.port, config.host, () => {
        prober.start();
        resolve(server.address() as AddressInfo);
      });
    });
  }

  async function drain(): Promise<void> {
    prober.stop();
    observation.stream.close();
    await drainServer(config.timeouts.drain);
    upstream.close();
    await observation.close();
  }

  const probed = (limitMs: number) => catalog.until(() => catalog.settled, limitMs);
  return { listen, probed, states: () => catalog.states(), drain };
}

/**
 * Another version may have other routes. Tells the operator once of a tag whose digest differs between endpoints: when the
 * one that differs is found.
 */
function newFindings({ catalog, gaps }: Router, log: Log): ConstructorParameters<typeof Prober>[4] {
  return (before, found, endpoint) => {
    if (before?.version !== found.version) gaps.forget(endpoint);
    for (const { id } of changedDigests(before, found)) {
      const listings = differingDigests(catalog, id);
      const digests = listings.map(({ endpoint, model }) => [endpoint.name, digestOf(model) ?? ''] as const);
      if (digests.length > 0) log.digestsDiffer(id, digests);
    }
  };
}
