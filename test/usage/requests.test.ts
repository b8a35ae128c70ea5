import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StoredRequest } from '../../src/usage/statistics.ts';
import { eventually } from '../support/router.ts';
import { Folder, openStage, rowsOf } from './stage.ts';

const DAY_MS = 86_400_000;

function request(id: string, more: Partial<StoredRequest> = {}): StoredRequest {
  const record = JSON.stringify({ id, said: 'né "q"' });
  return {
    receivedAt: Date.now(),
    id,
    asked: undefined,
    model: 'm',
    endpoint: 'gpu-a',
    outcome: 'ok',
    client: undefined,
    record,
    ...more,
  };
}

test('requests that are kept are found by id and listed newest first, by what they are asked for', async () => {
  using folder = new Folder();
  const file = folder.file();
  const start = Date.now();
  const some = Array.from({ length: 20 }, (_, i) =>
    request(`r-${i}`, {
      receivedAt: start + i,
      model: i % 2 === 0 ? 'm' : 'n',
      endpoint: i % 3 === 0 ? undefined : 'gpu-a',
      outcome: i % 5 === 0 ? 'cancelled' : 'ok',
      client: i < 10 ? 'alice' : undefined,
    }),
  );
  {
    await using stage = openStage(file, { requestRetentionMs: DAY_MS });
    for (const each of some) stage.statistics.keepRequest(each);
    assert.deepEqual(await stage.statistics.findRequest('r-7'), some[7]);
    assert.equal(await stage.statistics.findRequest('r-99'), undefined);
  }
  await using stage = openStage(file, { requestRetentionMs: DAY_MS });
  const ids = async (filter: Parameters<typeof stage.statistics.listRequests>[0]) =>
    (await stage.statistics.listRequests(filter)).map(({ id }) => id);
  assert.deepEqual(await stage.statistics.listRequests({ limit: 100 }), some.toReversed());
  assert.deepEqual(await ids({ limit: 2, before: start + 10 }), ['r-9', 'r-8']);
  assert.deepEqual(await ids({ limit: 9, model: 'm', outcome: 'cancelled' }), ['r-10', 'r-0']);
  assert.deepEqual(await ids({ limit: 9, client: 'alice', endpoint: 'gpu-a', model: 'n' }), ['r-7', 'r-5', 'r-1']);
  assert.deepEqual(await ids({ limit: 9, client: "x' OR 1=1 --" }), []);
});

test('of two requests with one id the newer is found', async () => {
  await using stage = openStage(':memory:');
  stage.statistics.keepRequest(request('twice', { receivedAt: 2 }));
  stage.statistics.keepRequest(request('twice', { receivedAt: 1 }));
  assert.equal((await stage.statistics.findRequest('twice'))?.receivedAt, 2);
});

test('requests are kept for so long and no longer', async () => {
  using folder = new Folder();
  const file = folder.file();
  {
    await using stage = openStage(file);
    for (let i = 0; i < 5_000; i++) {
      stage.statistics.keepRequest(request(`old-${i}`, { receivedAt: Date.now() - 2 * DAY_MS }));
      if (i % 1_000 === 0) await stage.statistics.flush();
    }
    stage.statistics.keepRequest(request('new'));
  }
  assert.equal(rowsOf(file, 'SELECT id FROM router_requests').length, 5_001);
  await using stage = openStage(file, { requestRetentionMs: DAY_MS });
  await stage.statistics.ready;
  await eventually(async () => (await stage.statistics.listRequests({ limit: 10 })).length === 1, 60_000);
  assert.equal((await stage.statistics.listRequests({ limit: 10 }))[0]?.id, 'new');
});

test('requests that cannot be written are bounded: the oldest are dropped and counted, tokens are not', async () => {
  using folder = new Folder();
  const stage = openStage(folder.path);
  await stage.statistics.ready;
  for (let i = 0; i < 12_000; i++) {
    stage.spend('m', 1, 0);
    stage.statistics.keepRequest(request(`r-${i}`));
  }
  const { droppedRequests } = stage.statistics;
  assert.ok(droppedRequests >= 7_000 && droppedRequests <= 7_500, `${droppedRequests}`);
  assert.deepEqual(stage.ledger.totals(), { 'http://a:1': { m: 12_000 } });
  await stage.statistics.close();
});
