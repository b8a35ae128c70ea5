import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { allOf, change, Folder, openStage, rowsOf } from './stage.ts';

const DAY_MS = 86_400_000;

test('what was counted is there after a restart, with its estimates', async () => {
  using folder = new Folder();
  const file = folder.file('made/on/the/way/token_counts.db');
  {
    await using stage = openStage(file);
    stage.spend('m', 3, 4);
    stage.spend('m', 100, 1, { estimated: true });
    stage.spend('n', 5, 5, { endpoint: 'http://b:1' });
  }
  await using stage = openStage(file);
  await stage.statistics.ready;
  stage.spend('m', 1, 1);
  assert.deepEqual(stage.ledger.totals(), { 'http://a:1': { m: 110 }, 'http://b:1': { n: 10 } });
  const m = stage.ledger.counts().find(({ model }) => model === 'm');
  assert.deepEqual(m, {
    endpoint: 'http://a:1',
    model: 'm',
    inputTokens: 104,
    outputTokens: 6,
    estimatedInputTokens: 100,
  });
  assert.deepEqual(stage.told, [{ status: 'ok' }]);
  assert.deepEqual(
    rowsOf(file, 'SELECT model, input_tokens, output_tokens, total_tokens FROM token_counts ORDER BY model'),
    [
      { model: 'm', input_tokens: 103, output_tokens: 5, total_tokens: 108 },
      { model: 'n', input_tokens: 5, output_tokens: 5, total_tokens: 10 },
    ],
  );
});

test('statistics see at once what was just counted, by second and endpoint', async () => {
  using folder = new Folder();
  let now = Date.UTC(2025, 10, 29, 12);
  await using stage = openStage(folder.file(), { now: () => now });
  const start = now / 1_000;
  stage.spend('m', 1, 2);
  stage.spend('m', 10, 20, { endpoint: 'http://b:1' });
  now += 5_000;
  stage.spend('m', 100, 200);
  stage.spend('other', 7, 7);
  const found = await stage.statistics.stats({ models: ['m'], from: start, to: start + 10, bucketSeconds: undefined });
  const point = (endpoint: string, timestamp: number, inputTokens: number, outputTokens: number) => {
    return { endpoint: `http://${endpoint}:1`, timestamp, inputTokens, outputTokens };
  };
  assert.deepEqual(found, {
    points: [point('a', start, 1, 2), point('b', start, 10, 20), point('a', start + 5, 100, 200)],
    bucketSeconds: 1,
    complete: true,
    inputTokens: 111,
    outputTokens: 222,
    byEndpoint: new Map([
      ['http://a:1', 303],
      ['http://b:1', 30],
    ]),
  });
  const minute = await stage.statistics.stats({ models: ['m'], from: start, to: start, bucketSeconds: 60 });
  assert.deepEqual(minute.points, [point('a', start, 1, 2), point('b', start, 10, 20)], 'to is included');
});

test('a bucket that makes too many points is refused with the smallest that is not', async () => {
  using folder = new Folder();
  let now = Date.UTC(2025, 0, 1);
  await using stage = openStage(folder.file(), { now: () => now });
  stage.spend('m', 1, 1);
  now += 30 * DAY_MS;
  stage.spend('m', 1, 1, { endpoint: 'http://b:1' });
  const ask = (bucketSeconds: number) => stage.statistics.stats({ ...allOf('m'), bucketSeconds });
  const refused = await ask(60).catch((error) => error);
  assert.deepEqual([refused.code, refused.status], ['invalid_parameter', 400]);
  const smallest = Number(/the smallest is (\d+) s/.exec(refused.message)?.[1]);
  assert.equal((await ask(smallest)).points.length, 2);
  await assert.rejects(ask(smallest - 1), /too many points/);
  await assert.rejects(ask(5_400), /whole hours/);
  assert.equal((await stage.statistics.stats(allOf('m'))).bucketSeconds, 3_600);
});

test('a roll-up takes what is older than its days to the second, once, and statistics still see it', async () => {
  using folder = new Folder();
  const file = folder.file();
  let now = Date.now() - 40 * DAY_MS;
  await using stage = openStage(file, { now: () => now });
  for (let day = 0; day < 40; day++) {
    stage.spend('m', 1, 2);
    stage.spend('n', 10, 20);
    now += DAY_MS;
  }
  now = Date.now() - 30 * DAY_MS - 60_000;
  stage.spend('m', 100, 0);
  now = Date.now() - 30 * DAY_MS + 60_000;
  stage.spend('m', 1_000, 0);
  const before = await stage.statistics.stats(allOf('m', 'n'));
  const groups = await stage.statistics.aggregate(30, false);
  assert.ok(groups >= 20 && groups <= 24, `${groups}`);
  assert.equal(await stage.statistics.aggregate(30, false), 0);
  assert.equal(await stage.statistics.aggregate(30, true), 0);
  const sum = (sql: string) => Number(rowsOf(file, sql)[0]?.['sum']);
  const inDays = sum('SELECT SUM(total_tokens) AS sum FROM token_time_series_daily');
  const inRows = sum('SELECT SUM(total_tokens) AS sum FROM token_time_series');
  assert.equal(inDays + inRows, 40 * 33 + 1_100);
  assert.deepEqual(rowsOf(file, 'SELECT input_tokens FROM token_time_series WHERE input_tokens >= 100'), [
    { input_tokens: 1_000 },
  ]);
  const [{ min } = {}] = rowsOf(file, 'SELECT MIN(timestamp) AS min FROM token_time_series');
  assert.ok(Number(min) >= Math.floor(Date.now() / 1_000) - 30 * 86_400 - 60);
  const after = await stage.statistics.stats(allOf('m', 'n'));
  assert.deepEqual(after, before);
  assert.ok((await stage.statistics.aggregate(0, true)) > 0);
  assert.deepEqual(await stage.statistics.stats(allOf('m', 'n')), before);
});

test('several roll-ups and statistics at once, while tokens are counted, agree in the end', async () => {
  using folder = new Folder();
  const file = folder.file();
  let now = Date.now() - 100 * DAY_MS;
  await using stage = openStage(file, { now: () => now });
  const work = Array.from({ length: 12 }, async (_, i) => {
    for (let k = 0; k < 20; k++) {
      now += 3_600_000;
      stage.spend('m', 1, 1);
      if (k % 5 === 0) await stage.statistics.stats(allOf('m'));
    }
    return stage.statistics.aggregate(i % 3, i % 2 === 0);
  });
  await Promise.all(work);
  const { inputTokens, points } = await stage.statistics.stats(allOf('m'));
  assert.equal(inputTokens, 240);
  assert.equal(
    points.reduce((sum, point) => sum + point.inputTokens, 0),
    240,
  );
  await stage.statistics.aggregate(0, true);
  assert.deepEqual(rowsOf(file, 'SELECT SUM(input_tokens) AS sum FROM token_time_series_daily'), [{ sum: 240 }]);
});

test('a table that gives ids of deleted rows away again keeps its newest row, and nothing is missed', async () => {
  using folder = new Folder();
  const file = folder.file();
  change(
    file,
    `CREATE TABLE token_time_series (id INTEGER PRIMARY KEY, endpoint TEXT, model TEXT, input_tokens INTEGER,
      output_tokens INTEGER, total_tokens INTEGER, timestamp INTEGER)`,
  );
  let now = Date.now() - 100 * DAY_MS;
  await using stage = openStage(file, { now: () => now });
  for (let round = 0; round < 5; round++) {
    now += DAY_MS;
    stage.spend('m', 1, 1);
    await stage.statistics.aggregate(0, true);
    assert.equal((await stage.statistics.stats(allOf('m'))).points.length, round + 1);
  }
  assert.deepEqual(rowsOf(file, 'SELECT SUM(input_tokens) AS sum FROM token_time_series_daily'), [{ sum: 5 }]);
});

test('without a file everything works, and nothing is kept', async () => {
  {
    await using stage = openStage(':memory:');
    assert.deepEqual(stage.statistics.state(), { status: 'ok' });
    stage.spend('m', 1, 1);
    assert.equal((await stage.statistics.stats(allOf('m'))).points.length, 1);
    assert.equal(await stage.statistics.flush(), true);
  }
  await using stage = openStage(':memory:');
  await stage.statistics.ready;
  assert.deepEqual(stage.ledger.totals(), {});
});

test('statistics that nobody closes keep no process alive', () => {
  using folder = new Folder();
  const stage = new URL('./stage.ts', import.meta.url).href;
  const script = `
    import { openStage } from ${JSON.stringify(stage)};
    const { statistics, spend } = openStage(${JSON.stringify(folder.file())});
    await statistics.ready;
    spend('m', 1, 1);`;
  execFileSync(process.execPath, ['--input-type=module', '-e', script], { timeout: 60_000 });
});
