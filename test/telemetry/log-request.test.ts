import assert from 'node:assert/strict';
import { test } from 'node:test';
import { counted, type Facts, linesOf, recordOf, sentTo } from './log-records.ts';

const AT = '2026-07-01T14:05:31.000Z';
const timings = { loadMs: 8_900, promptMs: 200, completionMs: 7_560 };

const CASES: readonly (readonly [what: string, facts: Facts, pretty: string, json: object])[] = [
  [
    'with everything known',
    {
      key: 'anna',
      totalMs: 18_812,
      fields: {
        route: '/api/chat',
        model: 'qwen3',
        decision: sentTo('gpu-b', 'qwen3:32b', 2_104.4),
        firstPieceMs: 11_200,
        timings,
        tokens: counted(9_120, 310),
      },
    },
    'r-81ee 200 /api/chat qwen3:32b → gpu-b 18.8s (queue 2.1 load 8.9 ttft 11.2) 9120→310 41 tok/s anna aider  loaded_free_slot',
    {
      ...{ req_id: 'r-81ee', client: 'anna', agent: 'aider', addr: '10.0.0.7', api: '/api/chat', path: '/api/chat' },
      ...{ method: 'POST', model: 'qwen3:32b', endpoint: 'gpu-b', status: 200, outcome: 'ok' },
      ...{ route_reason: 'loaded_free_slot', queue_ms: 2_104, load_ms: 8_900, ttft_ms: 11_200, dur_ms: 18_812 },
      ...{ in_tok: 9_120, out_tok: 310, tps: 41, retries: 0 },
    },
  ],
  [
    'with nothing known',
    { agent: '', address: '', path: '/', totalMs: 0 },
    'r-81ee 200 / 0.000s',
    { req_id: 'r-81ee', path: '/', method: 'POST', status: 200, outcome: 'ok', dur_ms: 0 },
  ],
  [
    'whose speed is seen from here, and tokens are estimated',
    {
      key: 'router',
      totalMs: 3_000,
      fields: {
        model: 'm',
        decision: sentTo('gpu-a', 'm', 0.2),
        firstPieceMs: 999.6,
        timings: { promptMs: 1, completionMs: 1 },
        tokens: counted(9, 11, true),
      },
    },
    'r-81ee 200 /api/chat m → gpu-a 3.0s (ttft 1.0) ~9→~11 5 tok/s aider  loaded_free_slot',
    {
      ...{ req_id: 'r-81ee', client: 'router', agent: 'aider', addr: '10.0.0.7', path: '/api/chat', method: 'POST' },
      ...{ model: 'm', endpoint: 'gpu-a', status: 200, outcome: 'ok', route_reason: 'loaded_free_slot', queue_ms: 0 },
      ...{ ttft_ms: 1_000, dur_ms: 3_000, in_tok: 9, out_tok: 11, tps: 5, retries: 0 },
    },
  ],
  [
    'whose client left',
    { outcome: 'cancelled', status: 0, totalMs: 400, fields: { model: 'm' } },
    'r-81ee - /api/chat m 0.400s aider  cancelled',
    {
      ...{ req_id: 'r-81ee', agent: 'aider', addr: '10.0.0.7', path: '/api/chat', method: 'POST', model: 'm' },
      ...{ outcome: 'cancelled', dur_ms: 400 },
    },
  ],
  [
    'that nobody could answer',
    {
      method: 'GET',
      path: '/v1/models/m',
      agent: '',
      outcome: 'upstream_error',
      status: 502,
      tried: ['a', 'b', 'c', 'd', 'e'],
      fields: { error: { code: 'upstream_unreachable', message: 'no endpoint could serve it\nsecond line' } },
    },
    'warn r-81ee 502 GET /v1/models/m after a,b,c,+2 1.5s 10.0.0.7  upstream_error upstream_unreachable: no endpoint could serve it',
    {
      ...{ req_id: 'r-81ee', addr: '10.0.0.7', path: '/v1/models/m', method: 'GET', status: 502 },
      ...{ outcome: 'upstream_error', dur_ms: 1_500, retries: 5 },
      ...{ err_code: 'upstream_unreachable', err: 'no endpoint could serve it' },
    },
  ],
  [
    "that an endpoint refused in its own words, with its client's query",
    {
      path: '/v1/chat/completions?api_key=x',
      outcome: 'client_error',
      status: 400,
      fields: { error: { code: undefined, message: 'too long' } },
    },
    'r-81ee 400 /v1/chat/completions 1.5s aider  client_error: too long',
    {
      ...{ req_id: 'r-81ee', agent: 'aider', addr: '10.0.0.7', path: '/v1/chat/completions', method: 'POST' },
      ...{ status: 400, outcome: 'client_error', dur_ms: 1_500, err: 'too long' },
    },
  ],
  [
    'of which an endpoint tells nonsense',
    {
      fields: {
        timings: { loadMs: Number.NaN, promptMs: 0, completionMs: Number.MIN_VALUE },
        tokens: counted(1, 2),
        firstPieceMs: -1,
      },
      totalMs: 4e12,
    },
    'r-81ee 200 /api/chat 4000000000s 1→2 aider',
    {
      ...{ req_id: 'r-81ee', agent: 'aider', addr: '10.0.0.7', path: '/api/chat', method: 'POST', status: 200 },
      ...{ outcome: 'ok', dur_ms: 4e12, in_tok: 1, out_tok: 2 },
    },
  ],
];

for (const [what, facts, pretty, json] of CASES) {
  test(`a request ${what} is one line`, () => {
    assert.deepEqual(
      linesOf((log) => log.request(recordOf(facts))),
      [`${AT} ${pretty}`],
    );
    const [line = '', ...others] = linesOf((log) => log.request(recordOf(facts)), { format: 'json' });
    assert.deepEqual(others, []);
    const { level, ...rest } = JSON.parse(line);
    assert.deepEqual(rest, { ts: AT, msg: 'request', ...json });
    assert.equal(level, pretty.startsWith('warn') ? 'warn' : 'info');
  });
}

for (const [ms, written] of [
  [0.4, '0.000s'],
  [7, '0.007s'],
  [999.4, '0.999s'],
  [999.6, '1.0s'],
  [9_949, '9.9s'],
  [59_960, '60.0s'],
  [3_600_000, '3600.0s'],
] as const) {
  test(`${ms} ms are written as ${written}`, () => {
    const [line] = linesOf((log) => log.request(recordOf({ totalMs: ms })));
    assert.equal(line?.split(' ')[4], written);
  });
}
