import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from '../../../src/telemetry/metrics/registry.ts';
import { modelOf } from '../../support/listings.ts';
import { lacksPromtool, promtool } from './promtool.ts';
import { gpuA, gpuB, recordOf, stage } from './stage.ts';

const ODD = 'ü"\\\n\r\u2028\0\ud800 {x="y"} 1\n# EOF';

test('promtool finds nothing wrong with a scrape, whatever models are called', { skip: lacksPromtool }, () => {
  const { metrics, has } = stage();
  const ps = { size: 2e10, size_vram: 1e10, context_length: 4096, expires_at: '2318-01-01T00:00:00Z' };
  has(gpuA, modelOf('m', { ps }), modelOf(ODD, { ps }));
  const story = { endpoint: gpuA, loaded: false, loadMs: 3_000, firstPieceMs: 3_500, totalMs: 9_000, estimated: true };
  for (const model of ['m', ODD])
    metrics.count(recordOf({ ...story, model, tokens: [5, 50], tried: [[gpuB, new Error('because')]] }));
  assert.equal(promtool(['check', 'metrics'], metrics.text(false)), '');
});

test('promtool would say so', { skip: lacksPromtool }, () => {
  const registry = new Registry();
  registry.value('wrong_total', 'A gauge that is called like a counter.', () => 1);
  assert.match(promtool(['check', 'metrics'], registry.text('text')), /wrong_total/);
});

for (const args of [
  ['check', 'rules', 'deploy/prometheus/alerts.yml'],
  ['test', 'rules', 'deploy/prometheus/alerts.test.yml'],
  ['check', 'config', 'deploy/prometheus/prometheus.yml'],
]) {
  test(`promtool ${args.join(' ')}`, { skip: lacksPromtool }, () => assert.equal(promtool(args), ''));
}
