import { type App, createApp } from '../../src/app.ts';
import { defaultConfig } from '../../src/config/load.ts';
import type { WrittenSettings } from '../../src/config/schema.ts';
import { lineLog } from '../../src/telemetry/log.ts';
import { DEFAULT_PACE, type Pace } from '../../src/upstream/prober.ts';

/** The real router on a free port of this machine; leaving its scope drains it. */
export interface RunningRouter extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly app: App;
  /** What it told its operator so far. */
  readonly log: readonly string[];
}

/** Starts the router by settings as a configuration file has them, and waits until every endpoint has been asked once. */
export async function startRouter(settings: WrittenSettings, pace: Pace = DEFAULT_PACE): Promise<RunningRouter> {
  const log: string[] = [];
  const app = createApp(defaultConfig({ ...settings, port: 0 }), lineLog((line) => log.push(line)), pace);
  const { port } = await app.listen();
  await app.probed();
  return { url: `http://127.0.0.1:${port}`, port, app, log, [Symbol.asyncDispose]: () => app.drain() };
}
