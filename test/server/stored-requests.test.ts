import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import { setTimeout as later } from 'node:timers/promises';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import { eventually, type RunningRouter, routerBefore } from '../support/router.ts';
import { headerIn } from '../support/wire.ts';
import { ask, cancel, idsIn, list, open, over, say, view } from './request-views.ts';

const SECRET = 'my secret prompt';

/** A folder for a database, gone with the test. */
function folder() {
  const path = mkdtempSync(join(tmpdir(), 'nomyo-requests-'));
  return { db: join(path, 'counts.db'), [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

/** Asks one after the other, no two in the same millisecond. */
async function askAll(router: RunningRouter, ...ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    for (const now = Date.now(); Date.now() === now; ) await later(1);
    await ask(router, id, say(SECRET, id === 'unknown' ? { model: 'unknown' } : {}));
    await eventually(async () => (await list(router)).in_flight === 0);
  }
}

describe('requests that are stored', () => {
  test('are known after a restart, with all that was known of them, and listed with the new ones', async () => {
    using disk = folder();
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
    const settings = { db_path: disk.db, requests: { store: true } };
    const before = await routerBefore([{ at: endpoint, name: 'a' }], settings);
    await askAll(before, 'r1', 'unknown', 'r2');
    const told = [await over(before, 'r1'), await over(before, 'unknown')];
    await before[Symbol.asyncDispose]();
    await using after = await routerBefore([{ at: endpoint, name: 'a' }], settings);
    assert.deepEqual([await view(after, 'r1'), await view(after, 'unknown')], told);
    await askAll(after, 'r3');
    assert.equal(await idsIn(after), 'r3 r2 unknown r1');
    for (const [query, ids] of [
      ['limit=3', 'r3 r2 unknown'],
      ['outcome=client_error', 'unknown'],
      ['endpoint=a&limit=2', 'r3 r2'],
      ['model=m%3Alatest', 'r3 r2 r1'],
      ['in_flight=true', ''],
      [`before=${(await over(after, 'r2')).received_at}`, 'unknown r1'],
    ] as const)
      assert.equal(await idsIn(after, `?${query}`), ids, query);
    const late = await cancel(after, 'r1');
    assert.deepEqual([late.status, headerIn(late, 'x-nomyo-error')], [404, 'request_not_found']);
  });

  test('are those that memory has no room for, too', async () => {
    using disk = folder();
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
    for (const keep of [0, 1]) {
      const requests = { store: true, keep };
      await using router = await routerBefore([endpoint], { db_path: disk.db, requests });
      await askAll(router, `${keep}-1`, `${keep}-2`, `${keep}-3`);
      assert.ok((await idsIn(router)).startsWith(`${keep}-3 ${keep}-2 ${keep}-1`));
      assert.equal((await view(router, `${keep}-1`)).outcome, 'ok');
    }
  });

  test('are found by the model as the client spells it and as it is listed', async () => {
    using disk = folder();
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
    await using router = await routerBefore([endpoint], { db_path: disk.db, requests: { store: true, keep: 0 } });
    await askAll(router, 'r1');
    for (const model of ['m', 'm:latest']) assert.equal(await idsIn(router, `?model=${model}`), 'r1');
    assert.equal(await idsIn(router, '?model=other'), '');
  });

  test('have their place by when they were received, whenever they ended', async () => {
    using disk = folder();
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m', 'stuck'] });
    endpoint.faults.add({ on: { model: 'stuck' }, hang: true });
    await using router = await routerBefore([endpoint], { db_path: disk.db, requests: { store: true, keep: 1 } });
    using long = await open(router, 'long', say('x', { model: 'stuck' }));
    await eventually(async () => (await list(router)).in_flight === 1);
    for (const id of ['r1', 'r2']) {
      for (const now = Date.now(); Date.now() === now; ) await later(1);
      await ask(router, id);
      await over(router, id);
    }
    long.leave();
    await over(router, 'long');
    assert.equal(await idsIn(router), 'r2 r1 long');
    assert.equal(await idsIn(router, '?limit=1'), 'r2');
  });

  test('are deleted when they are old', async () => {
    using disk = folder();
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
    const requests = { store: true, keep: 0, retention: '1h' };
    const before = await routerBefore([endpoint], { db_path: disk.db, requests });
    await askAll(before, 'old', 'new');
    await before[Symbol.asyncDispose]();
    const database = new DatabaseSync(disk.db);
    database.prepare('UPDATE router_requests SET received_at = received_at - 3700000 WHERE id = ?').run('old');
    database.close();
    await using after = await routerBefore([endpoint], { db_path: disk.db, requests });
    await eventually(async () => (await idsIn(after)) === 'new');
    assert.equal(await view(after, 'old'), undefined);
  });

  test('hold nothing of prompts and answers, nor does the file of those that are not', async () => {
    using disk = folder();
    await using endpoint = await startSimulatedEndpoint({
      kind: 'openai',
      models: [{ name: 'm', answer: 'MY ANSWER' }],
    });
    const error = { message: `[{'msg': 'Field required', 'input': {'content': '${SECRET}'}}]` };
    endpoint.faults.add({ on: { method: 'POST' }, skip: 1, times: 1, status: 400, body: { error } });
    for (const store of [true, false]) {
      const router = await routerBefore([endpoint], { db_path: disk.db, requests: { store } });
      await askAll(router, `${store}-1`, `${store}-2`);
      await router[Symbol.asyncDispose]();
    }
    const database = new DatabaseSync(disk.db);
    const rows = JSON.stringify(database.prepare('SELECT * FROM router_requests ORDER BY received_at').all());
    database.close();
    assert.deepEqual(
      [...rows.matchAll(/"id":"([^"]*)"/g)].map(([, id]) => id),
      ['true-1', 'true-2'],
    );
    assert.match(rows, /Field required/);
    assert.doesNotMatch(rows, /secret|MY ANSWER/i);
  });

  test('are listed from memory where the file cannot be read, which is told', async () => {
    using disk = folder();
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
    // No folder can be made there.
    writeFileSync(disk.db, '');
    const settings = { db_path: join(disk.db, 'x.db'), requests: { store: true } };
    await using router = await routerBefore([endpoint], settings);
    await askAll(router, 'r1');
    const { complete, requests } = await list(router);
    assert.deepEqual([complete, requests.length], [false, 1]);
    assert.equal((await view(router, 'r1')).outcome, 'ok');
    const answer = await router.ask('/router/requests/r2');
    assert.deepEqual([answer.status, headerIn(answer, 'x-nomyo-error')], [503, 'router_busy']);
  });
});
