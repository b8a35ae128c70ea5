import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { EndpointFailure } from '../../../src/errors.ts';
import { failuresOf } from '../../../src/telemetry/metrics/failures.ts';
import { valuesOf } from './parsed.ts';
import { gpuA, gpuB, recordOf, type Story, stage } from './stage.ts';

/** What a scrape says of these labels of a sample after these requests. */
function after(stories: readonly Story[], sample: string, ...labels: readonly string[]): Record<string, number> {
  const { metrics, has, scrape } = stage();
  has(gpuA, 'm', 'n');
  has(gpuB, 'm');
  for (const story of stories) metrics.count(recordOf(story));
  return valuesOf(scrape(), `nomyo_router_${sample}`, ...labels);
}

const REQUEST = ['api', 'model', 'endpoint', 'client', 'outcome', 'code'] as const;

for (const [what, story, labels] of [
  ['a request is counted under all its labels', { endpoint: gpuA, key: 'ann' }, '/api/chat m gpu-a ann ok 200'],
  ['without a key it is anonymous', { endpoint: gpuB }, '/api/chat m gpu-b anonymous ok 200'],
  [
    'a model that its endpoint does not list is other',
    { endpoint: gpuB, model: 'n' },
    '/api/chat other gpu-b anonymous ok 200',
  ],
  ['one that came to no endpoint has none', { outcome: 'rejected', status: 503 }, '/api/chat   anonymous rejected 503'],
  [
    'one of no route is of none',
    { route: undefined, outcome: 'client_error', status: 404 },
    'none   anonymous client_error 404',
  ],
] as const) {
  test(what, () => assert.deepEqual(after([story], 'requests_total', ...REQUEST), { [labels]: 1 }));
}

test('a model stays itself while its endpoint is out of reach', () => {
  const { metrics, has, catalog, scrape } = stage();
  has(gpuA, 'm');
  catalog.failed(gpuA, 'connection refused', false);
  metrics.count(recordOf({ endpoint: gpuA, outcome: 'upstream_error', status: 502 }));
  assert.deepEqual(valuesOf(scrape(), 'nomyo_router_requests_total', 'model'), { m: 1 });
});

describe('times', () => {
  const story: Story = { endpoint: gpuA, placedMs: 2_000, firstPieceMs: 3_000, tokens: [5, 11], totalMs: 4_000 };

  test('are in seconds, each under its labels', () => {
    assert.deepEqual(after([story], 'request_duration_seconds_sum', 'api', 'model', 'endpoint'), {
      '/api/chat m gpu-a': 4,
    });
    assert.deepEqual(after([story], 'time_to_first_token_seconds_sum', 'model', 'endpoint'), { 'm gpu-a': 3 });
    assert.deepEqual(after([story], 'time_per_output_token_seconds_sum', 'model', 'endpoint'), { 'm gpu-a': 0.1 });
    assert.deepEqual(after([story], 'queue_wait_seconds_sum', 'model'), { m: 2 });
  });

  test('between tokens are those of answers that came to their end', () => {
    const left = { ...story, outcome: 'cancelled' } as const;
    assert.deepEqual(after([left], 'time_per_output_token_seconds_count', 'model'), {});
    assert.deepEqual(after([left], 'time_to_first_token_seconds_count', 'model'), { m: 1 });
  });

  test('of what was not measured are absent', () => {
    const none = [{ outcome: 'rejected' as const, status: 503 }];
    for (const sample of ['time_to_first_token', 'time_per_output_token', 'queue_wait', 'model_load_duration'])
      assert.deepEqual(after(none, `${sample}_seconds_count`), {}, sample);
  });
});

describe('tokens', () => {
  const counted: Story = { endpoint: gpuA, key: 'ann', tokens: [5, 11] };
  const guessed: Story = { ...counted, tokens: [2, 3], estimated: true };
  const labels = ['direction', 'model', 'endpoint', 'client'] as const;

  test('add up by direction', () => {
    const sums = { 'input m gpu-a ann': 7, 'output m gpu-a ann': 14 };
    assert.deepEqual(after([counted, guessed], 'tokens_total', ...labels), sums);
  });

  test('that are estimated add up for themselves, too', () => {
    const sums = { 'input m gpu-a ann': 2, 'output m gpu-a ann': 3 };
    assert.deepEqual(after([counted, guessed], 'tokens_estimated_total', ...labels), sums);
  });
});

test('decisions are counted by their reason', () => {
  const stories = [
    { endpoint: gpuA, reason: 'all_busy' },
    { endpoint: gpuA, reason: 'free_slot' },
    { endpoint: gpuB, reason: 'all_busy' },
  ] as const;
  assert.deepEqual(after(stories, 'route_decisions_total', 'reason'), { all_busy: 2, free_slot: 1 });
});

describe('loads', () => {
  const cold: Story = { endpoint: gpuA, loaded: false, firstPieceMs: 5_000, loadMs: 4_000, totalMs: 9_000 };
  const labels = ['endpoint', 'model', 'reason'] as const;

  test('are counted, with the time that the endpoint tells', () => {
    assert.deepEqual(after([cold], 'model_loads_total', ...labels), { 'gpu-a m cold': 1 });
    assert.deepEqual(after([cold], 'model_load_duration_seconds_sum', 'endpoint', 'model'), { 'gpu-a m': 4 });
  });

  test('are one for all requests that waited for the same, whichever ends first', () => {
    const stories = [
      { ...cold, at: 2_000, firstPieceMs: 3_000, totalMs: 3_500 },
      { ...cold, at: 0 },
      { ...cold, at: 1_000, firstPieceMs: 1_000 },
      { ...cold, at: 4_999 },
    ];
    assert.deepEqual(after(stories, 'model_loads_total', 'model'), { m: 1 });
  });

  test('are two where the second request came after the first load, or is for another model or endpoint', () => {
    const again = { ...cold, at: 5_000 };
    assert.deepEqual(after([cold, again], 'model_loads_total', 'model'), { m: 2 });
    assert.deepEqual(after([cold, { ...cold, model: 'n' }], 'model_loads_total', 'model'), { m: 1, n: 1 });
    const elsewhere = { ...cold, endpoint: gpuB };
    assert.deepEqual(after([cold, elsewhere], 'model_loads_total', 'endpoint'), { 'gpu-a': 1, 'gpu-b': 1 });
  });

  test('are none where the model was in memory, or nothing is known to have been loaded', () => {
    const failed = { endpoint: gpuA, loaded: false, outcome: 'upstream_error', status: 502 } as const;
    assert.deepEqual(after([{ ...cold, loaded: true }, failed], 'model_loads_total', 'model'), {});
  });

  test('of a whole answer end with it', () => {
    const whole = { endpoint: gpuA, loaded: false, totalMs: 1_000 };
    assert.deepEqual(after([whole, { ...whole, at: 999 }, { ...whole, at: 5_000 }], 'model_loads_total', 'model'), {
      m: 2,
    });
  });
});

describe('failures of endpoints', () => {
  const unreachable = new EndpointFailure('unreachable', 'connection refused');
  const madeUpFor: Story = { tried: [[gpuA, unreachable]], endpoint: gpuB };

  test('are counted and so is the retry, where another endpoint made up for it', () => {
    assert.deepEqual(Object.keys(after([madeUpFor], 'retries_total', 'from')), ['gpu-a']);
    assert.deepEqual(Object.keys(after([madeUpFor], 'upstream_errors_total', 'endpoint')), ['gpu-a']);
  });

  test('that leave none to ask are no retries', () => {
    const story: Story = {
      tried: [[gpuA, unreachable]],
      outcome: 'upstream_error',
      error: 'upstream_unreachable',
      status: 502,
    };
    assert.deepEqual(after([story], 'retries_total', 'from'), {});
    assert.deepEqual(Object.values(after([story], 'upstream_errors_total', 'endpoint', 'kind')), [1]);
  });

  for (const [code, kind] of [
    ['upstream_lost', 'broken'],
    ['upstream_timeout', 'timeout'],
    ['refused', 'refused'],
    ['unheard_of', 'failed'],
  ] as const) {
    test(`in the middle of an answer are counted by their kind: ${code}`, () => {
      const story: Story = { ...madeUpFor, outcome: 'upstream_error', error: code };
      const { [`gpu-b ${kind}`]: count } = after([story], 'upstream_errors_total', 'endpoint', 'kind');
      assert.equal(count, 1);
    });
  }

  test('are not what clients did wrong', () => {
    const story: Story = { endpoint: gpuA, outcome: 'client_error', error: 'refused', status: 400 };
    assert.deepEqual(after([story], 'upstream_errors_total', 'endpoint'), {});
  });

  for (const [error, kind, isItsFault] of [
    ['unreachable', 'unreachable', true],
    ['upstream_auth', 'auth', true],
    ['refused', 'refused', true],
    ['unsupported', 'unsupported', false],
    ['constructor', 'failed', true],
  ] as const) {
    test(`are counted by their kind: ${error}`, () => {
      const record = recordOf({ endpoint: gpuB });
      const tried = { endpoint: gpuA, message: 'because', kind: error };
      record.failedTries.push(tried);
      assert.deepEqual(failuresOf(record), [{ endpoint: 'gpu-a', kind, retried: true, isItsFault }]);
    });
  }
});
