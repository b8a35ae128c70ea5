import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Json } from '../../support/wire.ts';
import { startReceiver } from './receiver.ts';
import { Asked, askWell, exportTo, gpuA, gpuB } from './requests.ts';

/** Versions that were seen working; installed once into a cache folder. */
const PACKAGES = ['opentelemetry-proto==1.45.2', 'protobuf==7.36.2'];
const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
const venv = join(cache, 'nomyo-router', `python-${PACKAGES.join('-').replaceAll('==', '-')}`);
const python = join(venv, 'bin', 'python');

/** Why there is no Python with the messages of OpenTelemetry; false where there is one. */
function missing(): string | false {
  try {
    if (existsSync(join(venv, 'ready'))) return false;
    execFileSync('python3', ['-m', 'venv', venv]);
    execFileSync(python, ['-m', 'pip', 'install', '--quiet', ...PACKAGES]);
    execFileSync('touch', [join(venv, 'ready')]);
    return false;
  } catch (error) {
    return `opentelemetry-proto cannot be had: ${error instanceof Error ? error.message.split('\n')[0] : error}`;
  }
}

const skip = missing();
if (skip !== false && process.env['CI'] === 'true') throw new Error(skip);

test("what is exported is OTLP to the letter, by OpenTelemetry's own definitions", { skip }, async () => {
  await using receiver = await startReceiver();
  const otlp = exportTo(receiver.url, { OTEL_RESOURCE_ATTRIBUTES: 'host.name=b%C3%BCro' });
  askWell(otlp, new Asked('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'));
  const failed = new Asked();
  otlp.begin(failed);
  failed.sentTo(otlp, gpuA, 1);
  failed.tried({ endpoint: gpuA, kind: 'broken', message: 'hung up' });
  failed.sentTo(otlp, gpuB, 2);
  failed.error = { code: 'upstream_unreachable', message: 'hung up' };
  failed.at(3).end('upstream_error', 502);
  otlp.end(failed);
  await otlp.close();
  const input = JSON.stringify(receiver.requests.map(({ path, body }) => [path, body]));
  const printed = execFileSync(python, [join(import.meta.dirname, 'parse.py')], { input })
    .toString()
    .trim();
  const [traces, metrics] = printed
    .split('\n')
    .map((line): Json => JSON.parse(line))
    .toSorted((one) => ('resourceSpans' in one ? -1 : 1));
  const { spans } = traces.resourceSpans[0].scopeSpans[0];
  assert.deepEqual(
    spans.map(({ kind, status }: Json) => [kind, status?.code]),
    [
      ['SPAN_KIND_SERVER', undefined],
      ['SPAN_KIND_CLIENT', undefined],
      ['SPAN_KIND_SERVER', 'STATUS_CODE_ERROR'],
      ['SPAN_KIND_CLIENT', 'STATUS_CODE_ERROR'],
      ['SPAN_KIND_CLIENT', 'STATUS_CODE_ERROR'],
    ],
  );
  const found = metrics.resourceMetrics[0].scopeMetrics[0].metrics;
  assert.equal(found.length, 7);
  for (const { histogram } of found)
    assert.equal(histogram.aggregationTemporality, 'AGGREGATION_TEMPORALITY_CUMULATIVE');
});
