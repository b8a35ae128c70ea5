import { type App, createApp } from '../app.ts';
import { type Config, secretsOf } from '../config/config.ts';
import { ConfigError } from '../config/config-error.ts';
import { loadConfig } from '../config/load.ts';
import type { Overrides } from '../config/overrides.ts';
import { openLog } from '../telemetry/log/open-log.ts';
import { readOtlpSettings } from '../telemetry/otlp/settings.ts';
import { banner } from './banner.ts';
import { VERSION } from './version.ts';

/** How long the banner waits for endpoints to say what they have. */
const BANNER_WAIT_MS = 3_000;

/** Starts the router by its configuration; sets the exit code where it cannot be started. */
export async function serve(overrides: Overrides): Promise<void> {
  try {
    await run(loadConfig({ overrides, env: process.env, cwd: process.cwd() }), () => {});
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = error.exitCode;
  }
}

/** Listens, says what was found, and drains at the first signal to stop; `stopped` is told when that is done. */
export async function run(config: Config, stopped: () => void): Promise<string | undefined> {
  const { log, sink } = openLog(process.stderr.fd, { ...config.log, secrets: secretsOf(config) });
  process.on('exit', () => sink.flushSync());
  const { settings: otlp, warnings } = readOtlpSettings(process.env);
  const app = createApp(config, { log, logDropped: () => sink.dropped, version: VERSION, otlp });
  const address = await listen(app, config);
  if (address === undefined) return undefined;
  stopOnSignals(app, stopped);
  await app.probed(BANNER_WAIT_MS);
  const warned = [...config.warnings, ...warnings];
  if (config.log.format === 'json') {
    // Whoever reads the log with a program may read both outputs as one.
    for (const warning of warned) log.told('warn', warning);
    log.told('info', `nomyo-router ${VERSION} listens on ${address}`);
    return address;
  }
  process.stdout.write(
    banner({
      version: VERSION,
      configFile: config.file,
      address,
      keyRequired: config.routerKey !== undefined,
      onlyThisMachine: /^(127\.|localhost$|::1$)/.test(config.host),
      warnings: warned,
      states: app.states(),
    }),
  );
  return address;
}

async function listen(app: App, { host, port }: Config): Promise<string | undefined> {
  try {
    const address = await app.listen();
    const shown = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
    return `http://${shown.includes(':') ? `[${shown}]` : shown}:${address.port}`;
  } catch (error) {
    process.stderr.write(`${cannotListen(error, host, port)}\n`);
    process.exitCode = 4;
    return undefined;
  }
}

function cannotListen(error: unknown, host: string, port: number): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE') return `port ${port} on ${host} is already in use; try --port ${port + 1}`;
  if (code === 'EACCES') return `port ${port} on ${host} needs more rights; try a port above 1023`;
  return `cannot listen on ${host}:${port}: ${error instanceof Error ? error.message : error}`;
}

/** The first signal lets requests in flight finish, the second one ends them. */
function stopOnSignals(app: App, stopped: () => void): void {
  let stopping = false;
  const stop = () => {
    if (stopping) process.exit(130);
    stopping = true;
    void app.drain().then(stopped);
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
}
