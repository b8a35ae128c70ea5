import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../support/router.ts';
import { valuesOf } from './parsed.ts';
import { stage } from './stage.ts';

/** The one value of a sample. */
function value(sample: string): number | undefined {
  return valuesOf(stage().scrape(), sample)[''];
}

test('the process is told of in base units', () => {
  const bytes = value('process_resident_memory_bytes') ?? 0;
  assert.ok(bytes > 20e6 && bytes < 20e9, `${bytes}`);
  const started = value('process_start_time_seconds') ?? 0;
  assert.ok(started <= Date.now() / 1000 && started > Date.now() / 1000 - 3_600, `${started}`);
  assert.ok((value('process_cpu_seconds_total') ?? 0) > 0);
  assert.ok((value('nodejs_heap_size_used_bytes') ?? 0) < (value('nodejs_heap_size_total_bytes') ?? 0));
});

test('open file descriptors are told where the system does', {
  skip: process.platform !== 'linux' && 'Linux alone tells',
}, () => {
  const [open, most] = [value('process_open_fds') ?? 0, value('process_max_fds') ?? 0];
  assert.ok(open > 2 && open < most, `${open} of ${most}`);
});

test('versions and what others keep come through', () => {
  const families = stage().scrape();
  assert.deepEqual(valuesOf(families, 'nomyo_router_build_info', 'version', 'node'), {
    [`1.2.3 ${process.version}`]: 1,
  });
  assert.deepEqual(valuesOf(families, 'nodejs_version_info', 'version'), { [process.version]: 1 });
  assert.deepEqual(valuesOf(families, 'nomyo_router_sse_clients'), { '': 3 });
  assert.deepEqual(valuesOf(families, 'nomyo_router_store_up'), { '': 1 });
  assert.deepEqual(valuesOf(families, 'nomyo_router_log_lines_dropped_total'), { '': 7 });
  assert.deepEqual(valuesOf(families, 'nomyo_router_requests_dropped_total'), { '': 8 });
  assert.deepEqual(valuesOf(families, 'nomyo_router_spans_dropped_total'), { '': 9 });
});

test('a blocked event loop shows as lag', async () => {
  const lag = () => valuesOf(stage().scrape(), 'nomyo_router_event_loop_lag_seconds', 'quantile')['0.999'] ?? 0;
  await eventually(async () => {
    const end = performance.now() + 200;
    while (performance.now() < end);
    await new Promise((resolve) => setImmediate(resolve));
    return lag() > 0.1;
  });
});
