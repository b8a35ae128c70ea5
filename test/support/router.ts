import assert from 'node:assert/strict';
import { type App, createApp } from '../../src/app.ts';
import { defaultConfig } from '../../src/config/load.ts';
import type { WrittenSettings } from '../../src/config/schema.ts';
import type { SimulatedEndpoint } from '../../src/simulator/simulation.ts';
import { lineLog } from '../../src/telemetry/log.ts';
import { DEFAULT_PACE, type Pace } from '../../src/upstream/prober.ts';
import { askWire, jsonOf, openWire, type Wire, type WireAnswer, type WireRequest } from './wire.ts';

/** Requests in flight by endpoint URL and model, as `/api/usage` tells. */
export type InFlight = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** The real router on a free port of this machine; leaving its scope drains it and fails where it blames itself for anything. */
export interface RunningRouter extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly app: App;
  /** What it told its operator so far. */
  readonly log: readonly string[];
  /** Asks on a connection of its own. */
  ask(path: string, request?: WireRequest): Promise<WireAnswer>;
  open(): Promise<Wire>;
  inFlight(): Promise<InFlight>;
  /** Resolves when this holds of the requests in flight; asks again and again. */
  untilInFlight(holds: (inFlight: InFlight) => boolean): Promise<void>;
  /** Resolves when nothing is in flight. */
  idle(): Promise<void>;
}

type EndpointEntry = Exclude<NonNullable<WrittenSettings['endpoints']>[number], string>;

/** A simulated endpoint alone, or with what else its entry in the configuration says. */
export type Configured = SimulatedEndpoint | (Omit<EndpointEntry, 'url' | 'kind'> & { readonly at: SimulatedEndpoint });

/** Probes once and then, while all is well, not again: what a test sees is what it set off. */
export const ONCE: Pace = { healthy: 3_600_000, healthyOpenai: 3_600_000, unreachable: 20, timeout: 2_000 };

const TURNS = 10;
const PAUSE_MS = 3;

/** Starts the router by settings as a configuration file has them, and waits until every endpoint has been asked once. */
export async function startRouter(settings: WrittenSettings, pace: Pace = DEFAULT_PACE): Promise<RunningRouter> {
  const router = await startUnprobed(settings, pace);
  await router.app.probed(10_000);
  return router;
}

/** Starts the router in front of simulated endpoints; it probes them `ONCE` unless told otherwise. */
export function routerBefore(
  endpoints: readonly Configured[],
  settings: WrittenSettings = {},
  pace: Pace = ONCE,
): Promise<RunningRouter> {
  return startRouter({ ...settings, endpoints: endpoints.map(entryOf) }, pace);
}

/** Starts the router by settings and waits for nothing but its port. */
export async function startUnprobed(settings: WrittenSettings, pace: Pace = DEFAULT_PACE): Promise<RunningRouter> {
  const log: string[] = [];
  const faults: unknown[] = [];
  const lines = lineLog((line) => log.push(line));
  const tell = { ...lines, fault: (error: unknown) => faults.push(error) };
  const app = createApp(defaultConfig({ db_path: 'none', ...settings, port: 0 }), { log: tell, pace });
  const { port } = await app.listen();
  const untilInFlight = (holds: (inFlight: InFlight) => boolean) =>
    eventually(async () => holds(await inFlightAt(port, settings)));
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    app,
    log,
    ask: (path, request) => askWire(port, path, request),
    open: () => openWire(port),
    inFlight: () => inFlightAt(port, settings),
    untilInFlight,
    idle: () => untilInFlight((now) => Object.keys(now).length === 0),
    async [Symbol.asyncDispose]() {
      await app.drain();
      assert.deepEqual(faults, [], 'the router blames itself');
    },
  };
}

/** An endpoint's entry in the configuration. */
export function entryOf(configured: Configured): EndpointEntry {
  if (!('at' in configured)) return { url: configured.url, kind: configured.kind };
  const { at, ...rest } = configured;
  return { url: at.url, kind: at.kind, ...rest };
}

/** Looks again and again until it holds, with a pause in between as in `pause`; fails after so many milliseconds. */
export async function eventually(holds: () => Promise<boolean> | boolean, timeoutMs = 10_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (let looks = 1; !(await holds()); looks++) {
    assert.ok(performance.now() < deadline, `not within ${timeoutMs} ms: ${holds}`);
    await pause(looks);
  }
}

/** Resolves at the next turn of the event loop, and after many looks some milliseconds later: looking costs processor time. */
export function pause(looks: number): Promise<void> {
  return new Promise((resolve) => (looks < TURNS ? setImmediate(resolve) : setTimeout(resolve, PAUSE_MS)));
}

async function inFlightAt(port: number, { router_api_key: key }: WrittenSettings): Promise<InFlight> {
  const headers: Record<string, string> = typeof key === 'string' ? { 'X-Api-Key': bytesAsText(key) } : {};
  return jsonOf(await askWire(port, '/api/usage', { headers })).usage_counts;
}

/** The bytes of the UTF-8 text as a header writes them. */
export function bytesAsText(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}
