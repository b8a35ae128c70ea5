import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modelOf } from '../../support/listings.ts';
import { valuesOf } from './parsed.ts';
import { gpuA, gpuB, hosted, stage } from './stage.ts';

const BY_MODEL = ['endpoint', 'model'] as const;

test('an endpoint is up or down by its last probe, and neither before the first', () => {
  const { catalog, has, scrape } = stage();
  has(gpuA, 'm');
  catalog.failed(gpuB, 'connection refused', false);
  assert.deepEqual(valuesOf(scrape(), 'nomyo_router_endpoint_up', 'endpoint', 'type'), {
    'gpu-a ollama': 1,
    'gpu-b llama-server': 0,
  });
});

test('requests under way are told for every listed model, those for others together', () => {
  const { slots, has, scrape } = stage();
  has(gpuA, 'm', 'n');
  slots.lease(gpuA, 'm');
  for (const model of ['cloud-1', 'cloud-2', 'cloud-2']) slots.lease(gpuA, model);
  const inFlight = { 'gpu-a m': 1, 'gpu-a n': 0, 'gpu-a other': 3 };
  assert.deepEqual(valuesOf(scrape(), 'nomyo_router_inflight_requests', ...BY_MODEL), inFlight);
});

test('slots are those configured for the endpoint, else what it reports, else the default', () => {
  const { has, scrape } = stage();
  has(gpuA, 'm', modelOf('n', { slots: 8 }));
  has(gpuB, modelOf('m', { slots: 8 }));
  const slots = { 'gpu-a m': 2, 'gpu-a n': 8, 'gpu-b m': 4 };
  assert.deepEqual(valuesOf(scrape(), 'nomyo_router_slots', ...BY_MODEL), slots);
});

test('a loaded model of Ollama is told with its memory, context and end', () => {
  const { has, scrape } = stage();
  const ps = { size: 200, size_vram: 150, context_length: 4096, expires_at: '2026-01-02T03:04:05.678901234+01:00' };
  has(
    gpuA,
    modelOf('m', { ps, tags: { size: 100 } }),
    modelOf('n', { loaded: false, tags: { size: 100 }, contextLength: 1 }),
  );
  const families = scrape();
  const of = (sample: string) => valuesOf(families, `nomyo_router_model_${sample}`, ...BY_MODEL);
  assert.deepEqual(of('loaded'), { 'gpu-a m': 1, 'gpu-a n': 0 });
  assert.deepEqual(of('vram_bytes'), { 'gpu-a m': 150 });
  assert.deepEqual(of('size_bytes'), { 'gpu-a m': 200 });
  assert.deepEqual(of('context_tokens'), { 'gpu-a m': 4096 });
  assert.deepEqual(of('expires_timestamp_seconds'), { 'gpu-a m': Date.parse('2026-01-02T02:04:05.678Z') / 1000 });
});

test('a loaded model of llama-server is told with what it says of it', () => {
  const { has, scrape } = stage();
  has(gpuB, modelOf('m', { contextLength: 2048, item: { meta: { size: 77 } } }));
  const families = scrape();
  assert.deepEqual(valuesOf(families, 'nomyo_router_model_size_bytes', ...BY_MODEL), { 'gpu-b m': 77 });
  assert.deepEqual(valuesOf(families, 'nomyo_router_model_context_tokens', ...BY_MODEL), { 'gpu-b m': 2048 });
  assert.deepEqual(valuesOf(families, 'nomyo_router_model_vram_bytes', ...BY_MODEL), {});
});

test('entries that make no sense are left out', () => {
  const { has, scrape } = stage();
  has(gpuA, modelOf('m', { ps: { size: 'big', size_vram: null, context_length: {}, expires_at: 'never' } }));
  const families = scrape();
  for (const sample of ['vram_bytes', 'size_bytes', 'context_tokens', 'expires_timestamp_seconds'])
    assert.deepEqual(valuesOf(families, `nomyo_router_model_${sample}`, ...BY_MODEL), {}, sample);
});

test('a hosted model is in nobody’s memory here, and one of an unreachable endpoint is not told of', () => {
  const { catalog, has, scrape } = stage();
  has(hosted, 'm');
  has(gpuA, 'm');
  catalog.failed(gpuA, 'connection refused', false);
  assert.deepEqual(valuesOf(scrape(), 'nomyo_router_model_loaded', ...BY_MODEL), {});
});

test('a model that an endpoint lists twice is told of once', () => {
  const { has, scrape } = stage();
  has(gpuA, 'm', 'm');
  assert.deepEqual(valuesOf(scrape(), 'nomyo_router_slots', ...BY_MODEL), { 'gpu-a m': 2 });
});
