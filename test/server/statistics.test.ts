import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { test } from 'node:test';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import { startFleet } from '../../src/simulator/fleet.ts';
import { type RunningRouter, routerBefore } from '../support/router.ts';
import { type Json, jsonOf, textOf, type WireRequest } from '../support/wire.ts';
import { Folder } from '../usage/stage.ts';

const MESSAGES = [{ role: 'user', content: 'say 3 tokens' }];

async function chat(router: RunningRouter, model: string): Promise<void> {
  const answer = await router.ask('/api/chat', { body: { model, stream: false, messages: MESSAGES } });
  assert.equal(answer.status, 200, textOf(answer));
}

async function ask(router: RunningRouter, path: string, request: WireRequest = { method: 'POST' }) {
  const answer = await router.ask(path, request);
  return { status: answer.status, body: jsonOf(answer) as Json };
}

test('token counts and statistics of a model tell the tokens that its endpoints say they spent, also after a restart', async () => {
  using folder = new Folder();
  const settings = { db_path: folder.file() };
  await using fleet = await startFleet({
    a: { kind: 'ollama', models: ['m', 'n'] },
    b: { kind: 'ollama', models: ['m'] },
  });
  const { a, b } = fleet.endpoints;
  const spent = (at: typeof a, model: string) => {
    const { prompt, completion } = at.totals(model);
    return { input_tokens: prompt, output_tokens: completion, total_tokens: prompt + completion };
  };
  {
    await using router = await routerBefore([a, b], settings);
    await Promise.all(Array.from({ length: 6 }, () => chat(router, 'm')));
    await chat(router, 'n');
  }
  await using router = await routerBefore([a, b], settings);
  const { body: counts } = await ask(router, '/api/token_counts', {});
  const row = (at: typeof a, model: string) => ({ endpoint: at.url, model: `${model}:latest`, ...spent(at, model) });
  const expected = [row(a, 'm'), row(a, 'n'), row(b, 'm')].filter(({ total_tokens }) => total_tokens > 0);
  const byKey = (rows: Json[]) =>
    rows.toSorted((x, y) => `${x.endpoint}${x.model}`.localeCompare(`${y.endpoint}${y.model}`));
  assert.deepEqual(byKey(counts.breakdown), byKey(expected));
  assert.equal(
    counts.total_tokens,
    expected.reduce((sum, { total_tokens }) => sum + total_tokens, 0),
  );

  const { body: stats } = await ask(router, '/api/stats', { body: { model: 'm:latest', bucket: 'day' } });
  const sums = [spent(a, 'm'), spent(b, 'm')];
  const sum = (field: 'input_tokens' | 'output_tokens' | 'total_tokens') =>
    sums.reduce((total, each) => total + each[field], 0);
  assert.deepEqual(
    [stats.model, stats.input_tokens, stats.output_tokens, stats.total_tokens, stats.bucket],
    ['m:latest', sum('input_tokens'), sum('output_tokens'), sum('total_tokens'), 86_400],
  );
  const distribution = Object.fromEntries(
    [a, b].map((at) => [at.url, spent(at, 'm').total_tokens] as const).filter(([, total]) => total > 0),
  );
  assert.deepEqual(stats.endpoint_distribution, distribution);
  const series: Json[] = stats.time_series;
  assert.deepEqual(Object.keys(series[0] ?? {}), [
    'endpoint',
    'timestamp',
    'input_tokens',
    'output_tokens',
    'total_tokens',
  ]);
  assert.equal(
    series.reduce((total, point) => total + point.total_tokens, 0),
    sum('total_tokens'),
  );
  assert.ok(series.every(({ timestamp }) => timestamp % 86_400 === 0));
});

test('statistics are asked for by body or query, under any name the model has', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['Org/Model:8b', 'plain'] });
  await using router = await routerBefore([endpoint]);
  await chat(router, 'plain');
  await chat(router, 'Org/Model:8b');
  const total = (model: string) => endpoint.totals(model).prompt + endpoint.totals(model).completion;
  for (const name of ['plain', 'plain:latest', 'PLAIN', 'library/plain']) {
    const inBody = await ask(router, '/api/stats', { body: { model: name } });
    const inQuery = await ask(router, `/api/stats?model=${encodeURIComponent(name)}&bucket=1h`);
    assert.deepEqual([inBody.status, inBody.body.total_tokens], [200, total('plain')], name);
    assert.deepEqual(
      [inQuery.status, inQuery.body.total_tokens, inQuery.body.bucket],
      [200, total('plain'), 3_600],
      name,
    );
    assert.equal(inBody.body.model, name);
  }
  assert.equal(
    (await ask(router, '/api/stats', { body: { model: 'org/model:8B' } })).body.total_tokens,
    total('Org/Model:8b'),
  );
  const now = Date.now();
  for (const [from, to] of [
    [Math.floor(now / 1_000) - 60, Math.floor(now / 1_000) + 60],
    [`${Math.floor(now / 1_000) - 60}`, '4000000000'],
    [new Date(now - 60_000).toISOString(), new Date(now + 60_000).toISOString()],
    [new Date(now - 60_000).toISOString().slice(0, 19), '2100-01-01T00:00+02:00'],
    ['2020-01-01', '2100-01-01'],
  ])
    assert.equal(
      (await ask(router, '/api/stats', { body: { model: 'plain', from, to } })).body.total_tokens,
      total('plain'),
      `${from}`,
    );
  const past = await ask(router, '/api/stats', { body: { model: 'plain', to: '2020-01-01' } });
  assert.deepEqual([past.status, past.body.total_tokens, past.body.time_series], [200, 0, []]);
});

test('a model that nobody has any more is found by its names, too', async () => {
  using folder = new Folder();
  const settings = { db_path: folder.file() };
  await using fleet = await startFleet({
    a: { kind: 'ollama', models: ['gone'] },
    b: { kind: 'ollama', models: ['other'] },
  });
  {
    await using router = await routerBefore([fleet.endpoints.a], settings);
    await chat(router, 'gone');
  }
  await using router = await routerBefore([fleet.endpoints.b], settings);
  for (const name of ['gone:latest', 'gone', 'GONE', 'library/gone:latest'])
    assert.equal((await ask(router, '/api/stats', { body: { model: name } })).status, 200, name);
  assert.equal((await ask(router, '/api/stats', { body: { model: 'gone:8b' } })).status, 404);
});

test('what cannot be asked is refused in words', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
  await using router = await routerBefore([endpoint]);
  const unknown = await ask(router, '/api/stats', { body: { model: 'm' } });
  assert.deepEqual(unknown, { status: 404, body: { error: "no tokens of model 'm' were counted" } });
  await chat(router, 'm');
  const time = /must be a time in Unix seconds or ISO 8601/;
  const refusals: readonly [request: object | string, message: RegExp][] = [
    [{}, /model is required/],
    [{ model: '' }, /model is required/],
    [{ model: 7 }, /model is required/],
    ['[]', /not a JSON object/],
    ['{"model":', /not a JSON object/],
    [{ model: 'm', from: 5, to: 4 }, /from must not be after to/],
    [{ model: 'm', from: -1 }, time],
    [{ model: 'm', from: 'NaN' }, time],
    [{ model: 'm', from: '2025-13-01' }, time],
    [{ model: 'm', from: 'yesterday' }, time],
    [{ model: 'm', to: [1] }, time],
    [{ model: 'm', to: Date.now() * 1_000 }, time],
    [{ model: 'm', bucket: 0 }, /bucket must be/],
    [{ model: 'm', bucket: 1.5 }, /bucket must be/],
    [{ model: 'm', bucket: 'constructor' }, /bucket must be/],
    [{ model: 'm', bucket: 5_400 }, /whole hours/],
  ];
  for (const [body, message] of refusals) {
    const answer = await ask(router, '/api/stats', { body });
    assert.equal(answer.status, 400, JSON.stringify(body));
    assert.match(answer.body.error, message);
  }
  for (const body of [{ days: -1 }, { days: 1.5 }, { days: 'x' }, { days: 1e9 }, { days: null, trim_old: 'maybe' }]) {
    const answer = await ask(router, '/api/aggregate_time_series_days', { body });
    assert.equal(answer.status, 400, JSON.stringify(body));
    assert.match(answer.body.error, /must be/);
  }
});

test('a roll-up says what it did, and statistics still tell what it took', async () => {
  using folder = new Folder();
  await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
  await using router = await routerBefore([endpoint], { db_path: folder.file() });
  await chat(router, 'm');
  const path = '/api/aggregate_time_series_days';
  assert.deepEqual(await ask(router, path), {
    status: 200,
    body: { status: 'ok', days: 30, trim_old: false, aggregated_groups: 0 },
  });
  const before = (await ask(router, '/api/stats?model=m&bucket=day')).body;
  let groups = 0;
  // Until the second is over in which the tokens were counted.
  while (groups === 0) {
    const { status, body } = await ask(router, `${path}?days=0&trim_old=true`);
    assert.equal(status, 200);
    groups = body.aggregated_groups;
  }
  assert.equal(groups, 1);
  assert.deepEqual(await ask(router, path, { body: { days: '0', trim_old: true } }), {
    status: 200,
    body: { status: 'ok', days: 0, trim_old: true, aggregated_groups: 0 },
  });
  assert.deepEqual((await ask(router, '/api/stats?model=m&bucket=day')).body, before);
});

test('while the file cannot be used, statistics come from memory, a roll-up is a 503, and models answer', async () => {
  using folder = new Folder();
  mkdirSync(folder.file());
  await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
  await using router = await routerBefore([endpoint], { db_path: folder.file() });
  await chat(router, 'm');
  const { status, body } = await ask(router, '/api/stats', { body: { model: 'm' } });
  assert.deepEqual([status, body.complete, body.time_series.length], [200, false, 1]);
  assert.equal(body.total_tokens, endpoint.totals('m').prompt + endpoint.totals('m').completion);
  assert.equal((await ask(router, '/api/token_counts', {})).body.total_tokens, body.total_tokens);
  const refused = await ask(router, '/api/aggregate_time_series_days');
  assert.equal(refused.status, 503);
  assert.match(refused.body.error, /the statistics cannot be read: it cannot be opened/);
});
