import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EndpointKind } from '../../src/domain/endpoint.ts';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import { startFleet } from '../../src/simulator/fleet.ts';
import type { SimulatedEndpoint } from '../../src/simulator/simulation.ts';
import { allLeft, asked, counts } from '../support/records.ts';
import { eventually, type RunningRouter, routerBefore } from '../support/router.ts';
import { json } from '../support/streams.ts';
import { headerIn, type Json, jsonOf, textOf, type Wire } from '../support/wire.ts';
import { ask, CHAT, cancel, fields, headersOf, idsIn, list, open, over, say, view } from './request-views.ts';

/** More than any buffer on the way holds: an answer of about 30 MB, a long line at a time. */
const LONG = { name: 'm', answer: `${'x'.repeat(20_000)} `.repeat(1_500) };
const SAID = 'the request was cancelled at the router';

/** What each protocol's clients are told, before an answer and in the middle of one. */
const PROTOCOLS = {
  '/api/chat': { whole: { error: SAID }, inStream: new RegExp(`\\{"error":"${SAID}"\\}\\n$`), done: /"done":true/ },
  '/v1/chat/completions': {
    whole: { error: { message: SAID, type: 'invalid_request_error', param: null, code: 'cancelled' } },
    inStream: new RegExp(`data: \\{"error":\\{"message":"${SAID}"[^\\n]*\\}\\n\\n$`),
    done: /\[DONE\]|"finish_reason":"/,
  },
  '/v1/responses': {
    whole: { error: { message: SAID, type: 'invalid_request_error', param: null, code: 'cancelled' } },
    inStream: new RegExp(`event: error\\ndata: [^\\n]*"message":"${SAID}"[^\\n]*\\n\\n$`),
    done: /response\.completed/,
  },
  '/v1/messages': {
    whole: { type: 'error', error: { type: 'invalid_request_error', message: SAID }, request_id: 'r1' },
    inStream: new RegExp(`event: error\\ndata: [^\\n]*"message":"${SAID}"[^\\n]*\\n\\n$`),
    done: /message_stop/,
  },
} as const;
type Path = keyof typeof PROTOCOLS;
const CASES: readonly (readonly [Path, EndpointKind])[] = [
  ['/api/chat', 'ollama'],
  ['/api/chat', 'openai'],
  ['/v1/chat/completions', 'openai'],
  ['/v1/chat/completions', 'ollama'],
  ['/v1/responses', 'llama-server'],
  ['/v1/responses', 'openai'],
  ['/v1/messages', 'ollama'],
  ['/v1/messages', 'openai'],
];

function bodyOf(path: Path, stream: boolean): object {
  const more = { stream, ...(path === '/v1/messages' && { max_tokens: 1_000 }) };
  if (path === '/v1/responses') return { model: 'm', input: 'say 1000 tokens', ...more };
  return say('say 1000 tokens', more);
}

async function cancelled(router: RunningRouter, id = 'r1'): Promise<void> {
  const answer = await cancel(router, id);
  assert.deepEqual([answer.status, jsonOf(answer)], [200, { id, status: 'cancelled' }]);
}

/** The endpoint sees its client leave, has its slot back, is blamed for nothing and not asked again. */
async function leftAlone(router: RunningRouter, endpoint: SimulatedEndpoint): Promise<void> {
  const [count] = counts(endpoint);
  await allLeft(endpoint, 1);
  await endpoint.waitFor(() => endpoint.inFlight() === 0);
  await router.idle();
  assert.deepEqual(counts(endpoint), [count]);
  assert.deepEqual(
    router.app.states().map(({ health }) => health),
    ['healthy'],
  );
  assert.doesNotMatch(router.log.join('\n'), / warn | error |unreachable/);
}

for (const [path, kind] of CASES) {
  const { whole, inStream, done } = PROTOCOLS[path];

  describe(`a request to ${path} that ${kind} answers, cancelled`, () => {
    for (const stream of [true, false])
      test(`before anything of its ${stream ? 'stream' : 'whole answer'} came: its client is told, with 499`, async () => {
        await using endpoint = await startSimulatedEndpoint({ kind, models: ['m'] });
        endpoint.faults.add({ on: { method: 'POST' }, hang: true });
        await using router = await routerBefore([endpoint]);
        using client = await open(router, 'r1', bodyOf(path, stream), path);
        await endpoint.waitFor(() => asked(endpoint).some(({ bodyComplete }) => bodyComplete));
        await cancelled(router);
        const answer = await client.answer();
        assert.deepEqual([answer.status, jsonOf(answer)], [499, whole]);
        assert.equal(headerIn(answer, 'x-nomyo-error'), 'cancelled');
        assert.equal(headerIn(answer, 'x-nomyo-endpoint'), undefined, 'nobody answered');
        await leftAlone(router, endpoint);
        const told = fields(await over(router, 'r1'), 'outcome', 'status', 'error', 'retries', 'output_tokens');
        assert.deepEqual(told, { outcome: 'cancelled', status: 499, error: null, retries: [], output_tokens: null });
      });

    test('in the middle of its stream: that ends with an error, and not as if it were complete', async () => {
      await using endpoint = await startSimulatedEndpoint({ kind, models: ['m'] });
      endpoint.faults.add({ on: { method: 'POST' }, stallAfterTokens: 4 });
      await using router = await routerBefore([endpoint]);
      using client = await open(router, 'r1', bodyOf(path, true), path);
      await eventually(async () => (await view(router, 'r1'))?.ttft_ms > 0);
      await eventually(() => asked(endpoint).some(({ tokens }) => tokens === 4));
      await cancelled(router);
      const answer = await client.answer();
      assert.deepEqual([answer.status, answer.complete], [200, true]);
      assert.match(textOf(answer), inStream);
      assert.doesNotMatch(textOf(answer), done);
      await leftAlone(router, endpoint);
      const told = await over(router, 'r1');
      assert.deepEqual(fields(told, 'outcome', 'status', 'error', 'output_tokens_estimated'), {
        outcome: 'cancelled',
        status: 200,
        error: null,
        output_tokens_estimated: true,
      });
      assert.ok(told.output_tokens > 0 && told.output_tokens <= 4, `${told.output_tokens}`);
    });
  });
}

describe('a request is cancelled', () => {
  test('while its model loads, and the next one for it does not wait for that', async () => {
    await using endpoint = await startSimulatedEndpoint({
      kind: 'ollama',
      models: ['m'],
      loadMs: Number.POSITIVE_INFINITY,
    });
    await using router = await routerBefore([endpoint]);
    using client = await open(router, 'r1', say('say 5 tokens'));
    await endpoint.waitFor(() => asked(endpoint).some(({ bodyComplete }) => bodyComplete));
    assert.equal((await view(router, 'r1')).state, 'loading');
    await cancelled(router);
    assert.equal((await client.answer()).status, 499);
    await router.idle();
    await allLeft(endpoint, 1);
  });

  test('after signs of life: its stream ends with an error', async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
    endpoint.faults.add({ on: { method: 'POST' }, hang: true });
    await using router = await routerBefore([endpoint], { timeouts: { heartbeat: '20ms' } });
    using client = await open(router, 'r1', say('x'));
    await client.until(() => client.received.includes('"done":false'));
    await cancelled(router);
    const answer = await client.answer();
    assert.match(textOf(answer), new RegExp(`\\{"error":"${SAID}"\\}\\n$`));
    assert.equal(answer.complete, true);
  });

  test('while its body is still arriving: no endpoint is asked', async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
    await using router = await routerBefore([endpoint]);
    using client = await router.open();
    client.send(`POST ${CHAT} HTTP/1.1\r\nHost: x\r\nX-Request-Id: r1\r\nContent-Length: 1000\r\n\r\n{"model":`);
    await eventually(async () => (await view(router, 'r1'))?.state === 'waiting');
    await cancelled(router);
    client.send(`"m","x":"${'x'.repeat(980)}"}`);
    const answer = await client.answer();
    assert.deepEqual([answer.status, jsonOf(answer)], [499, { error: SAID }]);
    assert.equal((await over(router, 'r1')).outcome, 'cancelled');
    assert.deepEqual(counts(endpoint), [0]);
  });

  test('although its client does not read: what it was sent is the end', async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: [LONG] });
    await using router = await routerBefore([endpoint]);
    using client = await router.open();
    client.socket.pause();
    client.request(CHAT, { headers: headersOf('r1'), body: say('x') });
    await endpoint.waitFor(() => asked(endpoint).some(({ blocked }) => blocked), 30_000);
    await cancelled(router);
    await allLeft(endpoint, 1);
    await router.idle();
    client.socket.resume();
    assert.match(textOf(await client.answer()), new RegExp(`\\{"error":"${SAID}"\\}\\n$`));
  });

  test('although all of its answer is written, and its client does not read: the connection is cut', async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
    endpoint.faults.add({ on: { method: 'POST' }, ...json(`{"done":true,"x":"${'y'.repeat(7e6)}"}`) });
    await using router = await routerBefore([endpoint]);
    using client = await router.open();
    client.socket.pause();
    // So many that the system's own buffers cannot hold them.
    const ids = ['r1', 'r2', 'r3'];
    for (const id of ids) client.request(CHAT, { headers: headersOf(id), body: say('x', { stream: false }) });
    await endpoint.waitFor(() => asked(endpoint).filter(({ answered }) => answered).length === ids.length);
    await router.idle();
    assert.notEqual((await view(router, 'r1')).state, 'over');
    await cancelled(router);
    assert.deepEqual(fields(await over(router, 'r1'), 'outcome', 'status'), { outcome: 'cancelled', status: 200 });
    client.socket.resume();
    await client.end();
  });

  test('whose id holds what a URL does not', async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
    endpoint.faults.add({ on: { method: 'POST' }, hang: true });
    await using router = await routerBefore([endpoint]);
    for (const id of ['a/b:c', 'x:cancel', 'a//b/']) {
      using client = await open(router, id, say('x'));
      await eventually(async () => (await list(router)).in_flight === 1);
      await cancelled(router, id);
      assert.equal((await client.answer()).status, 499);
      await over(router, id);
    }
  });

  test('with several others of its model: those go on', async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'], slots: 3 });
    endpoint.faults.add({ on: { method: 'POST' }, hang: true });
    await using router = await routerBefore([{ at: endpoint, slots: 3 }]);
    const clients: Wire[] = [];
    for (const id of ['r1', 'r2', 'r3']) clients.push(await open(router, id, say('x')));
    await eventually(() => counts(endpoint)[0] === 3);
    await cancelled(router, 'r2');
    assert.equal((await clients[1]?.answer())?.status, 499);
    await router.untilInFlight((now) => now[endpoint.url]?.['m:latest'] === 2);
    assert.equal((await idsIn(router, '?in_flight=true')).split(' ').toSorted().join(), 'r1,r3');
    for (const client of clients) client.leave();
    await router.idle();
  });

  test('once: it is over then, and cannot be cancelled again', async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
    endpoint.faults.add({ on: { method: 'POST' }, hang: true, times: 1 });
    await using router = await routerBefore([endpoint]);
    using client = await open(router, 'r1', say('x'));
    await endpoint.waitFor(() => asked(endpoint).some(({ bodyComplete }) => bodyComplete));
    await cancelled(router);
    await client.answer();
    await over(router, 'r1');
    const again = await cancel(router, 'r1');
    assert.deepEqual([again.status, jsonOf(again)], [400, { error: 'request r1 is over: cancelled' }]);
    assert.equal((await ask(router, 'r2')).status, 200);
    await over(router, 'r2');
    const late = await cancel(router, 'r2');
    assert.deepEqual([late.status, jsonOf(late)], [400, { error: 'request r2 is over: ok' }]);
    assert.equal(headerIn(late, 'x-nomyo-error'), 'invalid_parameter');
  });

  test('by two at once: both are told the same, and its client once', async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
    endpoint.faults.add({ on: { method: 'POST' }, stallAfterTokens: 3 });
    await using router = await routerBefore([endpoint]);
    using client = await open(router, 'r1', say('x'));
    await client.until(() => client.received.includes('"content"'));
    const answers = await Promise.all([cancel(router, 'r1'), cancel(router, 'r1')]);
    assert.ok(answers.some(({ status }) => status === 200));
    assert.equal(textOf(await client.answer()).split(SAID).length, 2);
  });

  test('and no other endpoint answers in its place', async () => {
    await using fleet = await startFleet({
      a: { kind: 'ollama', models: ['m'], loaded: ['m'] },
      b: { kind: 'ollama', models: ['m'] },
    });
    const { a, b } = fleet.endpoints;
    for (const endpoint of [a, b]) endpoint.faults.add({ on: { method: 'POST' }, hang: true });
    await using router = await routerBefore([a, b]);
    using client = await open(router, 'r1', say('x'));
    await a.waitFor(() => asked(a).some(({ bodyComplete }) => bodyComplete));
    await cancelled(router);
    assert.equal((await client.answer()).status, 499);
    await router.idle();
    assert.deepEqual(counts(a, b), [1, 0]);
  });

  test('between and in the parts of its answer: its client is told so', async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
    await using router = await routerBefore([endpoint]);
    const body: Json = { model: 'm', prompt: ['Tell me 3 tokens', 'Tell me 5 tokens'], stream: true };
    for (const [id, fault] of [
      ['before-part', { hang: true }],
      ['in-part', { stallAfterTokens: 2 }],
    ] as const) {
      endpoint.faults.clear();
      endpoint.forgetRequests();
      endpoint.faults.add({ on: { method: 'POST' }, skip: 1, times: 1, ...fault });
      using client = await open(router, id, body, '/v1/completions');
      await endpoint.waitFor(() => asked(endpoint).filter(({ bodyComplete }) => bodyComplete).length === 2);
      if (id === 'in-part') await client.until(() => client.received.includes('"index":1'));
      await cancelled(router, id);
      const text = textOf(await client.answer());
      assert.match(text, new RegExp(`data: \\{"error":\\{"message":"${SAID}"[^\\n]*\\n\\n$`), id);
      assert.doesNotMatch(text, /\[DONE\]/);
      const told = fields(await over(router, id), 'outcome', 'error');
      assert.deepEqual(told, { outcome: 'cancelled', error: null }, id);
    }
  });
});

for (const [path, body] of [
  ['/api/pull', { model: 'new' }],
  ['/api/create', { model: 'copy', from: 'm' }],
] as const)
  test(`a task of ${path} is cancelled: its endpoint sees that, and its client that it is not complete`, async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'], registry: ['new'] });
    endpoint.faults.add({ on: { method: 'POST' }, stallAfterTokens: 1 });
    await using router = await routerBefore([endpoint]);
    using client = await open(router, 'streamed', body, path);
    await client.until(() => client.received.includes('"status"'));
    await cancelled(router, 'streamed');
    assert.equal((await client.answer()).complete, false);
    using whole = await open(router, 'whole', { ...body, stream: false }, path);
    await endpoint.waitFor(() => asked(endpoint).filter(({ bodyComplete }) => bodyComplete).length === 2);
    await cancelled(router, 'whole');
    assert.equal((await whole.answer()).status, 499);
    await allLeft(endpoint, 2);
    for (const id of ['streamed', 'whole']) assert.equal((await over(router, id)).outcome, 'cancelled');
  });

test('a load is cancelled', async () => {
  await using endpoint = await startSimulatedEndpoint({
    kind: 'llama-server',
    mode: 'router',
    models: ['m'],
    loadMs: Number.POSITIVE_INFINITY,
  });
  await using router = await routerBefore([endpoint]);
  using client = await open(router, 'r1', { model: 'm' }, '/api/generate');
  await endpoint.waitFor(() => asked(endpoint).some(({ answered }) => answered));
  await cancelled(router);
  assert.equal((await client.answer()).status, 499);
  assert.equal((await over(router, 'r1')).outcome, 'cancelled');
});

test('it is the fault of nobody that a client leaves between the parts of its answer', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
  endpoint.faults.add({ on: { method: 'POST' }, skip: 1, hang: true });
  await using router = await routerBefore([endpoint]);
  const body = { model: 'm', prompt: ['Tell me 3 tokens', 'Tell me 5 tokens'], stream: true };
  using client = await open(router, 'r1', body, '/v1/completions');
  await endpoint.waitFor(() => asked(endpoint).filter(({ bodyComplete }) => bodyComplete).length === 2);
  client.leave();
  assert.deepEqual(fields(await over(router, 'r1'), 'outcome', 'error'), { outcome: 'cancelled', error: null });
});
