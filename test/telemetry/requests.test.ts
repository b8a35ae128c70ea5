import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RequestRecord } from '../../src/domain/request-record.ts';
import { EndpointFailure, errorKind } from '../../src/errors.ts';
import { requestViewer } from '../../src/telemetry/request-view.ts';
import { Requests } from '../../src/telemetry/requests.ts';
import { endpointOf, modelOf } from '../support/listings.ts';
import type { Json } from '../support/wire.ts';

const gpuA = endpointOf('ollama', { name: 'gpu-a' });
const gpuB = endpointOf('llama-server', { name: 'gpu-b' });

/** A request that has just come, on a clock that the test turns. */
function begun(id: string, receivedAt = 0, clock = { now: 0 }, agent = 'ollama-js/0.6.4'): RequestRecord {
  const client = { address: '10.0.0.7', agent, key: undefined };
  const received = { id, method: 'POST', path: '/api/chat', client, traceparent: undefined };
  return new RequestRecord(received, receivedAt, () => clock.now);
}

function place(record: RequestRecord, endpoint = gpuA, loaded = true): RequestRecord {
  record.placed({ endpoint, model: modelOf('m:latest', { loaded }), reason: 'only_endpoint', considered: [] });
  return record;
}

const view = requestViewer(['KEY-OF-AN-ENDPOINT']);
const viewOf = (record: RequestRecord): Json => view(record);
const ids = (records: readonly RequestRecord[]) => records.map(({ id }) => id);

/** Keeps so many; those begun and over, in this order. */
function kept(keep: number, ...over: readonly RequestRecord[]): Requests {
  const requests = new Requests(keep);
  for (const record of over) requests.begun(record);
  for (const record of over) requests.over(record);
  return requests;
}

describe('the last requests', () => {
  test('are so many, and the oldest leaves for a new one', () => {
    const requests = kept(3, ...[1, 2, 3, 4, 5].map((at) => begun(`r${at}`, at)));
    assert.deepEqual(ids(requests.list({}, 10)), ['r5', 'r4', 'r3']);
    assert.equal(requests.find('r2'), undefined);
    assert.equal(requests.find('r3')?.id, 'r3');
    assert.deepEqual(ids(kept(3, begun('r1', 1), begun('r2', 2)).list({}, 10)), ['r2', 'r1']);
  });

  test('may be none: only those under way are known then', () => {
    const requests = new Requests(0);
    const record = begun('r1');
    requests.begun(record);
    assert.deepEqual([requests.underWay, requests.find('r1')], [1, record]);
    assert.equal(requests.over(record), true);
    assert.deepEqual([requests.underWay, requests.find('r1'), requests.list({}, 10)], [0, undefined, []]);
  });

  test('are those that were begun here, each once', () => {
    const requests = new Requests(3);
    const record = begun('r1');
    assert.equal(requests.over(record), false);
    requests.begun(record);
    assert.deepEqual([requests.over(record), requests.over(record)], [true, false]);
    assert.equal(requests.list({}, 10).length, 1);
  });

  test('come the newest first by when they were received, whenever they ended, so that no page leaves one out', () => {
    const [long, short, last, waiting] = [begun('r1', 1), begun('r2', 2), begun('r3', 3), begun('r0', 0)];
    const requests = kept(10, short, last, long);
    requests.begun(waiting);
    const pages = [requests.list({}, 2), requests.list({ before: 2 }, 2)];
    assert.deepEqual(pages.map(ids), [
      ['r3', 'r2'],
      ['r1', 'r0'],
    ]);
  });

  test('of one id: the one under way, else the one that ended last', () => {
    const [first, second] = [begun('same', 1), begun('same', 2)];
    const requests = new Requests(10);
    requests.begun(first);
    requests.begun(second);
    assert.equal(requests.find('same'), second);
    requests.over(second);
    assert.equal(requests.find('same'), first);
    requests.over(first);
    assert.equal(requests.find('same'), first);
  });

  test('are found by model under both of its names, endpoint, outcome, client, time and whether they are over', () => {
    const [a, b, c] = [begun('a', 1), begun('b', 2, { now: 0 }, ''), begun('c', 3)];
    place(a).model = 'm';
    place(b, gpuB);
    c.model = 'unknown';
    a.end('ok', 200);
    const requests = kept(10, a);
    requests.begun(b);
    requests.begun(c);
    const cases = [
      [{ model: 'm' }, 'a'],
      [{ model: 'm:latest' }, 'b a'],
      [{ model: 'unknown' }, 'c'],
      [{ endpoint: 'gpu-b' }, 'b'],
      [{ outcome: 'ok' }, 'a'],
      [{ client: 'ollama-js/0.6.4' }, 'c a'],
      [{ client: '10.0.0.7' }, 'b'],
      [{ before: 3 }, 'b a'],
      [{ inFlight: true }, 'c b'],
      [{ inFlight: false }, 'a'],
      [{ model: 'm:latest', endpoint: 'gpu-a', inFlight: true }, ''],
    ] as const;
    for (const [filter, found] of cases) assert.equal(ids(requests.list(filter, 10)).join(' '), found);
  });
});

describe('the view of a request', () => {
  test('waits, loads, answers and is over, and says null of what is not known yet', () => {
    const clock = { now: 100 };
    const record = begun('r1', Date.UTC(2026, 10, 1), clock);
    clock.now = 105.00049;
    assert.deepEqual(viewOf(record), {
      id: 'r1',
      received_at: '2026-11-01T00:00:00.000Z',
      state: 'waiting',
      method: 'POST',
      api: null,
      model: null,
      streaming: false,
      client: { address: '10.0.0.7', agent: 'ollama-js/0.6.4', key: null },
      endpoint: null,
      endpoint_url: null,
      listed_model: null,
      route_reason: null,
      considered: [],
      retries: [],
      outcome: null,
      status: null,
      error: null,
      queue_ms: null,
      load_ms: null,
      ttft_ms: null,
      time_per_output_token_ms: null,
      total_ms: 5,
      input_tokens: null,
      output_tokens: null,
      input_tokens_estimated: false,
      output_tokens_estimated: false,
    });
    place(record, gpuA, false);
    assert.deepEqual([viewOf(record).state, viewOf(record).queue_ms], ['loading', 5]);
    record.firstPieceMs = 7;
    assert.deepEqual([viewOf(record).state, viewOf(record).ttft_ms], ['answering', 7]);
    assert.equal(viewOf(place(begun('r2'))).state, 'answering');
    clock.now = 117;
    record.addTokens({ promptTokens: 3, completionTokens: 11, promptEstimated: true, completionEstimated: false });
    record.end('ok', 200);
    clock.now = 1_000;
    const { state, total_ms, time_per_output_token_ms, input_tokens, input_tokens_estimated } = viewOf(record);
    assert.deepEqual([state, total_ms, time_per_output_token_ms], ['over', 17, 1]);
    assert.deepEqual([input_tokens, input_tokens_estimated], [3, true]);
  });

  test('leaves out keys that an endpoint repeats', () => {
    const record = begun('r1');
    record.error = { code: 'refused', message: 'bad key KEY-OF-AN-ENDPOINT' };
    assert.doesNotMatch(JSON.stringify(view(record)), /KEY-OF/);
  });

  test('leaves out what servers repeat of a request in their errors, and has an end', () => {
    const said = `[{'type': 'missing', 'msg': 'Field required', 'input': {'prompt': 'MY SECRET'}}]`;
    const failure = new EndpointFailure('invalid', said);
    const record = begun('r1');
    record.model = 'x'.repeat(1_000_000);
    record.tried({ endpoint: gpuA, kind: errorKind(failure), message: said });
    record.error = { code: 'refused', message: `${said} ${'y'.repeat(1_000_000)}` };
    const text = JSON.stringify(view(record));
    assert.doesNotMatch(text, /SECRET/);
    assert.match(text, /"message":"\[\{'type': 'missing', 'msg': 'Field required', …"/);
    assert.ok(text.length < 2_000);
  });
});
