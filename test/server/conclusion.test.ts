import assert from 'node:assert/strict';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { RequestRecord } from '../../src/domain/request-record.ts';
import { ClientGone, EndpointFailure, Refusal, RouterError } from '../../src/errors.ts';
import { conclude, noteError } from '../../src/server/conclusion.ts';
import { HttpReply } from '../../src/server/http-reply.ts';
import { WriteBatch } from '../../src/upstream/write-batch.ts';
import { askWire } from '../support/wire.ts';
import { gpuA, recordOf } from '../telemetry/metrics/stage.ts';

/** Has a request answered, and its record concluded when its client has everything. */
async function concluded(record: RequestRecord, answer: (reply: HttpReply) => void): Promise<RequestRecord> {
  const batch = new WriteBatch();
  const { promise, resolve } = Promise.withResolvers<void>();
  const server = http.createServer((_, response) => {
    const reply = new HttpReply(response, 'id', 10_000, batch);
    response.once('close', () => {
      conclude(record, reply);
      resolve();
    });
    answer(reply);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  await askWire((server.address() as AddressInfo).port, '/').catch(() => {});
  await promise;
  server.close();
  return record;
}

const fresh = () => {
  const record = recordOf({});
  record.outcome = undefined;
  return record;
};

for (const [what, error, outcome, code] of [
  ['an endpoint that refuses', new Refusal(422, 'no'), 'client_error', 'refused'],
  ['an endpoint that refuses by its own fault', new Refusal(500, 'no'), 'upstream_error', 'refused'],
  ['an endpoint that fails', new EndpointFailure('timeout', 'no'), 'upstream_error', 'timeout'],
  ['endpoints that all fail', new RouterError('upstream_timeout', 'no'), 'upstream_error', 'upstream_timeout'],
  ["an endpoint's key", new RouterError('upstream_auth', 'no'), 'upstream_error', 'upstream_auth'],
  [
    'a client that asks for nothing there is',
    new RouterError('model_not_found', 'no'),
    'client_error',
    'model_not_found',
  ],
  ['no room', new RouterError('router_busy', 'no'), 'rejected', 'router_busy'],
  ['no endpoint', new RouterError('model_unavailable', 'no'), 'rejected', 'model_unavailable'],
  ['the router', new TypeError('no'), 'router_error', 'internal'],
  ['what is no error at all', 'no', 'router_error', 'internal'],
] as const)
  test(`a request that fails by ${what} is a ${outcome}`, async () => {
    const record = fresh();
    noteError(record, error);
    await concluded(record, (reply) => reply.json(500, {}));
    assert.deepEqual([record.outcome, record.error, record.status], [outcome, { code, message: 'no' }, 500]);
  });

test('a request is a success where its client got everything, and else cancelled, by whomever', async () => {
  assert.equal((await concluded(fresh(), (reply) => reply.json(200, {}))).outcome, 'ok');
  const left = await concluded(fresh(), (reply) => reply.cut());
  assert.deepEqual([left.outcome, left.status], ['cancelled', 499]);
  const record = fresh();
  noteError(record, new ClientGone());
  assert.deepEqual([record.outcome, record.error], [undefined, undefined]);
  const cancelled = await concluded(record, (reply) => {
    reply.cancel();
    reply.json(499, {});
  });
  assert.deepEqual([cancelled.outcome, cancelled.status], ['cancelled', 499]);
});

test('nothing of what clients and endpoints say stays in memory at its full length', async () => {
  const record = fresh();
  const long = 'größe😀'.repeat(100_000);
  record.model = long;
  record.cancel = () => {};
  record.tried({ endpoint: gpuA, kind: 'refused', message: long });
  noteError(record, new Refusal(400, long));
  await concluded(record, (reply) => reply.json(400, {}));
  const kept = [record.model, record.error?.message ?? '', record.failedTries[0]?.message ?? ''];
  for (const text of kept) assert.ok(text.length <= 1_000 && text.startsWith('größe😀'), String(text.length));
  assert.deepEqual([record.failedTries.length, record.failedTries[0]?.endpoint], [1, gpuA]);
  assert.equal(record.cancel, undefined);
});
