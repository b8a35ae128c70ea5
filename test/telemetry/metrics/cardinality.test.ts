import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Registry } from '../../../src/telemetry/metrics/registry.ts';
import { parsed, valuesOf } from './parsed.ts';
import { gpuA, gpuB, recordOf, stage } from './stage.ts';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

const MANY = 50_000;
const OUTCOMES = ['ok', 'client_error', 'upstream_error', 'router_error', 'rejected', 'cancelled'] as const;

function heapBytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

test('names of models and paths that clients make up are one series each', () => {
  const { metrics, has, scrape } = stage();
  has(gpuA, 'm');
  metrics.count(recordOf({ endpoint: gpuA, model: 'cloud', tokens: [1, 1], firstPieceMs: 1, totalMs: 1 }));
  const [before, length] = [heapBytes(), metrics.text(false).length];
  for (let i = 0; i < MANY; i++) {
    const model = `cloud-${i}-${'x'.repeat(100)}`;
    metrics.count(recordOf({ endpoint: gpuA, model, tokens: [1, 1], firstPieceMs: 1, totalMs: 1 }));
    metrics.count(recordOf({ route: undefined, outcome: 'client_error', status: 404 }));
  }
  assert.deepEqual(valuesOf(scrape(), 'nomyo_router_requests_total', 'model', 'api', 'code'), {
    'other /api/chat 200': MANY + 1,
    ' none 404': MANY,
  });
  assert.ok(metrics.text(false).length < length + 20_000, 'the text does not grow with them');
  assert.ok(heapBytes() - before < 4e6, 'nor does the memory');
});

test('endpoints that list ever more models and answer with any status fill a family and no more', () => {
  const { metrics, has, scrape } = stage();
  const before = heapBytes();
  for (let i = 0; i < MANY; i++) {
    const [endpoint, model] = [i % 2 ? gpuA : gpuB, `listed-${i}`];
    has(endpoint, model);
    const how = { outcome: OUTCOMES[i % 6] ?? 'ok', status: i % 1000, key: `key-${i % 50}`, loaded: false } as const;
    metrics.count(recordOf({ endpoint, model, tokens: [2, 1], firstPieceMs: 1, totalMs: 2, ...how }));
  }
  const grown = heapBytes() - before;
  assert.ok(grown < 16e6, `${grown} bytes more`);
  const families = scrape();
  for (const { name, type, samples } of families.values()) {
    assert.ok(samples.length <= (type === 'histogram' ? 1_001 * 17 : 4_001), `${name}: ${samples.length} samples`);
  }
  const requests = families.get('nomyo_router_requests_total')?.samples ?? [];
  assert.ok(requests.length <= 2_000 + 2 * OUTCOMES.length, 'endpoints and outcomes are still told apart');
  assert.equal(
    requests.reduce((sum, { value }) => sum + value, 0),
    MANY,
  );
  const tokens = families.get('nomyo_router_tokens_total')?.samples ?? [];
  const input = tokens.filter(({ labels }) => labels['direction'] === 'input');
  assert.equal(
    input.reduce((sum, { value }) => sum + value, 0),
    2 * MANY,
  );
});

test('an endpoint that lists any number of models is told of up to a bound', () => {
  const { has, scrape } = stage();
  has(gpuA, ...Array.from({ length: MANY }, (_, i) => `listed-${i}`));
  for (const { name, samples } of scrape().values()) assert.ok(samples.length <= 2_000, name);
});

test('a family whose kept labels flood too ends with one series for all the rest', () => {
  const registry = new Registry();
  const total = registry.counter('things_total', 'Things.', ['kept', 'folds'], ['kept']);
  for (let i = 0; i < MANY; i++) total.add([`${i}`, `${i}`]);
  const found = valuesOf(parsed(registry.text('text'), 'text'), 'things_total', 'kept', 'folds');
  assert.equal(Object.keys(found).length, 4_001);
  assert.equal(found['other other'], MANY - 4_000);
  assert.equal(found['2500 other'], 1);
});
