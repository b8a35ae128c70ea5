import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as later } from 'node:timers/promises';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import { startFleet } from '../../src/simulator/fleet.ts';
import { asked, counts } from '../support/records.ts';
import { eventually, ONCE, routerBefore, startRouter } from '../support/router.ts';
import { headerIn, jsonOf, textOf, type Wire } from '../support/wire.ts';
import { ask, CHAT, fields, headersOf, idsIn, list, open, over, say, view } from './request-views.ts';

const SECRET = 'my secret prompt';

describe('what is told of a request', () => {
  test('that was answered whole: everything, and no time to a first token', async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'], loadMs: 30 });
    await using router = await routerBefore([{ at: endpoint, name: 'gpu-a' }]);
    const before = Date.now();
    const answer = jsonOf(await ask(router, 'r1', say('say 5 tokens', { stream: false })));
    const { received_at, queue_ms, load_ms, total_ms, ...rest } = await over(router, 'r1');
    assert.ok(Date.parse(received_at) >= before && Date.parse(received_at) <= Date.now());
    assert.ok(queue_ms >= 0 && queue_ms <= total_ms);
    assert.equal(load_ms, Math.round(answer.load_duration / 1_000) / 1_000);
    assert.ok(load_ms >= 20 && load_ms <= total_ms);
    assert.deepEqual(rest, {
      id: 'r1',
      state: 'over',
      method: 'POST',
      api: CHAT,
      model: 'm',
      streaming: false,
      client: { address: '127.0.0.1', agent: 'ollama-js/0.6.4', key: null },
      endpoint: 'gpu-a',
      endpoint_url: endpoint.url,
      listed_model: 'm:latest',
      route_reason: 'only_endpoint',
      considered: [],
      retries: [],
      outcome: 'ok',
      status: 200,
      error: null,
      ttft_ms: null,
      time_per_output_token_ms: null,
      input_tokens: answer.prompt_eval_count,
      output_tokens: 5,
      input_tokens_estimated: false,
      output_tokens_estimated: false,
    });
  });

  for (const [kind, path, body] of [
    ['ollama', CHAT, say('say 5 tokens')],
    ['ollama', '/v1/chat/completions', say('say 5 tokens', { stream: true })],
    ['openai', CHAT, say('say 5 tokens')],
    ['llama-server', '/v1/messages', say('say 5 tokens', { stream: true, max_tokens: 10 })],
  ] as const) {
    test(`that was streamed to ${path} by ${kind}: the time to its first token, and between two`, async () => {
      await using endpoint = await startSimulatedEndpoint({ kind, models: ['m'] });
      await using router = await routerBefore([endpoint]);
      assert.equal((await ask(router, 'r1', body, path)).status, 200);
      const { ttft_ms, total_ms, queue_ms, time_per_output_token_ms, ...rest } = await over(router, 'r1');
      assert.ok(queue_ms <= ttft_ms && ttft_ms <= total_ms, `${queue_ms} ${ttft_ms} ${total_ms}`);
      assert.ok(Math.abs(time_per_output_token_ms - (total_ms - ttft_ms) / 4) < 0.01);
      assert.deepEqual(fields(rest, 'streaming', 'output_tokens', 'output_tokens_estimated', 'outcome', 'api'), {
        streaming: true,
        output_tokens: 5,
        output_tokens_estimated: false,
        outcome: 'ok',
        api: path,
      });
    });
  }

  test('while it waits for a load, answers, and is over', async () => {
    await using endpoint = await startSimulatedEndpoint({
      kind: 'ollama',
      models: ['m'],
      loadMs: Number.POSITIVE_INFINITY,
    });
    endpoint.faults.add({ on: { method: 'POST' }, stallAfterTokens: 2 });
    await using router = await routerBefore([endpoint]);
    using client = await open(router, 'r1', say('say 5 tokens'));
    await endpoint.waitFor(() => asked(endpoint).some(({ bodyComplete }) => bodyComplete));
    const loading = await view(router, 'r1');
    assert.deepEqual(fields(loading, 'state', 'outcome', 'status', 'ttft_ms', 'route_reason'), {
      state: 'loading',
      outcome: null,
      status: null,
      ttft_ms: null,
      route_reason: 'only_endpoint',
    });
    assert.ok(loading.total_ms > 0);
    assert.equal((await list(router)).in_flight, 1);
    endpoint.finishLoading('m');
    await eventually(async () => (await view(router, 'r1')).state === 'answering');
    assert.ok((await view(router, 'r1')).ttft_ms > 0);
    client.leave();
    const { output_tokens, ...end } = await over(router, 'r1');
    // The second one may have been on its way.
    assert.ok(output_tokens === 1 || output_tokens === 2, `${output_tokens}`);
    assert.deepEqual(fields(end, 'outcome', 'status', 'output_tokens_estimated', 'error'), {
      outcome: 'cancelled',
      status: 200,
      output_tokens_estimated: true,
      error: null,
    });
    assert.equal((await list(router)).in_flight, 0);
  });

  test('why it went where it went, and what else there was', async () => {
    await using fleet = await startFleet({
      a: { kind: 'ollama', models: ['m'], loaded: ['m'], slots: 4 },
      b: { kind: 'ollama', models: ['m'], slots: 4 },
    });
    const { a, b } = fleet.endpoints;
    for (const endpoint of [a, b]) endpoint.faults.add({ on: { method: 'POST' }, hang: true });
    await using router = await routerBefore([
      { at: a, name: 'a' },
      { at: b, name: 'b' },
    ]);
    const clients: Wire[] = [];
    for (const id of ['r1', 'r2', 'r3']) {
      clients.push(await open(router, id, say('x')));
      await eventually(() => counts(a, b).reduce((sum, count) => sum + count) === clients.length);
    }
    const told = async (id: string) => fields(await view(router, id), 'endpoint', 'route_reason', 'considered');
    const weighed = (...inFlight: readonly [number, number]) => [
      { endpoint: 'a', loaded: true, slots: 1, in_flight: inFlight[0] },
      { endpoint: 'b', loaded: false, slots: 1, in_flight: inFlight[1] },
    ];
    assert.deepEqual(await told('r1'), {
      endpoint: 'a',
      route_reason: 'loaded_free_slot',
      considered: weighed(0, 0),
    });
    assert.deepEqual(await told('r2'), { endpoint: 'b', route_reason: 'free_slot', considered: weighed(1, 0) });
    const third = await told('r3');
    assert.deepEqual([third.route_reason, third.considered], ['all_busy', weighed(1, 1)]);
    for (const client of clients) client.leave();
    await router.idle();
  });

  test('that another endpoint answered: who was tried before', async () => {
    await using fleet = await startFleet({
      a: { kind: 'ollama', models: ['m'], loaded: ['m'] },
      b: { kind: 'ollama', models: ['m'] },
    });
    const { a, b } = fleet.endpoints;
    a.faults.add({ on: { method: 'POST' }, status: 503, body: { error: 'server busy' } });
    await using router = await routerBefore([
      { at: a, name: 'a' },
      { at: b, name: 'b' },
    ]);
    assert.equal((await ask(router, 'r1')).status, 200);
    const told = fields(
      await over(router, 'r1'),
      'endpoint',
      'endpoint_url',
      'route_reason',
      'retries',
      'outcome',
      'error',
    );
    assert.deepEqual(told, {
      endpoint: 'b',
      endpoint_url: b.url,
      route_reason: 'only_endpoint',
      retries: [{ endpoint: 'a', message: 'server busy' }],
      outcome: 'ok',
      error: null,
    });
  });

  test('that failed: by whose fault', async () => {
    await using endpoint = await startSimulatedEndpoint({
      kind: 'openai',
      models: ['m', 'refused', 'cut', 'hung', 'odd'],
    });
    const { faults } = endpoint;
    faults.add({ on: { model: 'refused' }, status: 400, body: { error: { message: 'no such option' } } });
    faults.add({ on: { model: 'cut' }, cutAtByte: 400 });
    faults.add({ on: { model: 'hung' }, hang: true });
    faults.add({ on: { model: 'odd' }, status: 500, body: { error: { message: 'out of memory' } } });
    await using router = await routerBefore([endpoint], { timeouts: { first_byte: '500ms' } });
    const stream = { stream: true };
    for (const [id, body, status, outcome, code] of [
      ['unknown', say('x', { model: 'unknown' }), 404, 'client_error', 'model_not_found'],
      ['refused', say('x', { model: 'refused' }), 400, 'client_error', 'refused'],
      ['odd', say('x', { model: 'odd' }), 500, 'upstream_error', 'refused'],
      ['no-model', { messages: [] }, 400, 'client_error', 'model_required'],
      ['hung', say('x', { model: 'hung' }), 504, 'upstream_error', 'upstream_timeout'],
      ['cut', say('say 50 tokens', { model: 'cut', ...stream }), 200, 'upstream_error', 'upstream_lost'],
    ] as const) {
      const answer = await ask(router, id, body, '/v1/chat/completions');
      assert.equal(answer.status, status, textOf(answer));
      const told = await over(router, id);
      assert.deepEqual([told.status, told.outcome, told.error?.code], [status, outcome, code], id);
      assert.ok(told.error.message.length > 5);
    }
    await endpoint.stop();
    assert.equal((await ask(router, 'gone', say('x'), '/v1/chat/completions')).status, 502);
    assert.deepEqual(fields(await over(router, 'gone'), 'outcome', 'status'), {
      outcome: 'upstream_error',
      status: 502,
    });
    assert.equal((await ask(router, 'still-gone', say('x'), '/v1/chat/completions')).status, 503);
    assert.deepEqual(fields(await over(router, 'still-gone'), 'outcome', 'status', 'endpoint'), {
      outcome: 'rejected',
      status: 503,
      endpoint: null,
    });
  });

  for (const [kind, path] of [
    ['ollama', CHAT],
    ['openai', '/v1/chat/completions'],
    ['openai', CHAT],
    ['ollama', '/v1/messages'],
    ['openai', '/v1/completions'],
  ] as const)
    test(`whose stream on ${path} ended with an error, by ${kind}: it is no success`, async () => {
      await using endpoint = await startSimulatedEndpoint({ kind, models: ['m'] });
      await using router = await routerBefore([endpoint]);
      const prompt = path === '/v1/completions' && { prompt: 'say 50 tokens', messages: undefined };
      const body = say('say 50 tokens', { stream: true, max_tokens: 100, ...prompt });
      for (const [id, fault] of [
        ['early', { silentEndAfterTokens: 2 }],
        ['told', { errorAfterTokens: { count: 2, message: 'out of memory' } }],
        ['broken', { cutAtByte: 700 }],
      ] as const) {
        endpoint.faults.clear();
        endpoint.faults.add({ on: { method: 'POST' }, ...fault });
        const answer = await ask(router, id, body, path);
        assert.match(textOf(answer), /"error"/);
        const told = await over(router, id);
        assert.deepEqual([told.status, told.outcome, told.error?.code], [200, 'upstream_error', 'upstream_lost'], id);
        assert.ok(told.ttft_ms > 0);
      }
    });

  test('for which there was no room', async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
    await using router = await routerBefore([endpoint], { limits: { body: '1KiB', held: '1KiB' } });
    using first = await router.open();
    first.send(`POST ${CHAT} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n${'x'.repeat(900)}`);
    await eventually(async () => (await ask(router, 'r1', say('x'.repeat(100)))).status === 503);
    const told = await over(router, 'r1');
    assert.deepEqual([told.outcome, told.status, told.error.code], ['rejected', 503, 'router_busy']);
  });

  test('of several parts: what they spent together', async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
    await using router = await routerBefore([endpoint]);
    const prompt = ['Tell me 3 tokens', 'Tell me 5 tokens', 'Tell me 4 tokens'];
    for (const stream of [false, true]) {
      const id = `r-${stream}`;
      assert.equal((await ask(router, id, { model: 'm', prompt, stream }, '/v1/completions')).status, 200);
      const told = await over(router, id);
      assert.deepEqual([told.output_tokens, told.outcome, told.ttft_ms === null], [12, 'ok', !stream]);
    }
  });

  test('never has anything of its prompt or its answer', async () => {
    await using endpoint = await startSimulatedEndpoint({
      kind: 'openai',
      models: [{ name: 'm', answer: 'MY ANSWER' }, 'odd'],
    });
    const error = { message: `[{'msg': 'Field required', 'input': {'content': '${SECRET}'}}]` };
    endpoint.faults.add({ on: { model: 'odd' }, status: 400, body: { error } });
    await using router = await routerBefore([endpoint]);
    for (const body of [
      say(SECRET),
      say(SECRET, { model: 'odd' }),
      say(SECRET, { model: 'unknown' }),
      `{"x": "${SECRET}`,
    ])
      await router.ask('/v1/chat/completions', { headers: headersOf('r'), body });
    assert.ok(endpoint.requests.some(({ body }) => body.includes(SECRET)));
    const all = JSON.stringify(await list(router));
    assert.equal(all.match(/"id":"r"/g)?.length, 4);
    assert.doesNotMatch(all, /secret|MY ANSWER/i);
    assert.doesNotMatch(router.log.join('\n'), /secret|MY ANSWER/i);
  });

  test('has an end, however long what clients and endpoints say is', async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'openai', models: ['odd'] });
    endpoint.faults.add({ on: { model: 'odd' }, status: 400, body: { error: { message: 'y'.repeat(2_000_000) } } });
    await using router = await routerBefore([endpoint]);
    await ask(router, 'r1', say('x', { model: 'x'.repeat(2_000_000) }));
    await ask(router, 'r2', say('x', { model: 'odd' }));
    await over(router, 'r1');
    await over(router, 'r2');
    assert.ok(JSON.stringify(await list(router)).length < 4_000);
  });
});

describe('the list of requests', () => {
  test('has the newest first, finds by what is asked for, and in pages', async () => {
    await using fleet = await startFleet({
      a: { kind: 'ollama', models: ['m', 'stuck'] },
      b: { kind: 'openai', models: ['n'] },
    });
    fleet.endpoints.a.faults.add({ on: { model: 'stuck' }, hang: true });
    await using router = await routerBefore([{ at: fleet.endpoints.a, name: 'a' }, fleet.endpoints.b]);
    using stuck = await open(router, 'r0', say('x', { model: 'stuck' }));
    await eventually(async () => (await view(router, 'r0'))?.endpoint === 'a');
    for (const [id, model] of [
      ['r1', 'm'],
      ['r2', 'n'],
      ['r3', 'm'],
      ['r4', 'unknown'],
    ] as const) {
      // So that no two have come in the same millisecond.
      for (const now = Date.now(); Date.now() === now; ) await later(1);
      await ask(router, id, say('say 5 tokens', { model }));
      await over(router, id);
    }
    assert.equal(await idsIn(router), 'r4 r3 r2 r1 r0');
    for (const [query, ids] of [
      ['model=m', 'r3 r1'],
      ['model=m%3Alatest', 'r3 r1'],
      ['endpoint=a', 'r3 r1 r0'],
      ['outcome=client_error', 'r4'],
      ['outcome=ok&model=n', 'r2'],
      ['client=ollama-js%2F0.6.4&limit=2', 'r4 r3'],
      ['client=nobody', ''],
      ['in_flight=true', 'r0'],
      ['in_flight=false&limit=1', 'r4'],
      ['before=2000-01-01', ''],
      ['before=4000000000.5&limit=1', 'r4'],
      ['before=2100-01-01T00:00:00%2B02:00&limit=1', 'r4'],
      ['limit=999999999', 'r4 r3 r2 r1 r0'],
      ['unknown=1&limit=1', 'r4'],
    ] as const)
      assert.equal(await idsIn(router, `?${query}`), ids, query);
    const [, second] = (await list(router)).requests;
    assert.equal(await idsIn(router, `?limit=2&before=${second.received_at}`), 'r2 r1');
    assert.equal(await idsIn(router, `?limit=2&before=${Date.parse(second.received_at) / 1_000}`), 'r2 r1');
    stuck.leave();
  });

  test('refuses what it cannot mean', async () => {
    await using router = await startRouter({}, ONCE);
    for (const [name, ...values] of [
      ['limit', '', '0', '-1', '1.5', 'many', '1e3', '9'.repeat(20)],
      ['before', 'yesterday', 'foo 1', '2026-13-01', '-5', '9'.repeat(400)],
      ['outcome', '', 'good', 'toString'],
      ['in_flight', '', 'perhaps', '2'],
    ])
      for (const value of values) {
        const answer = await router.ask(`/router/requests?${name}=${encodeURIComponent(value)}`);
        assert.deepEqual(
          [answer.status, headerIn(answer, 'x-nomyo-error')],
          [400, 'invalid_parameter'],
          `${name}=${value}`,
        );
        assert.match(jsonOf(answer).error, new RegExp(`^${name} must be `));
      }
  });

  test('has only what asks for work: looks at the router are not listed', async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
    await using router = await routerBefore([endpoint]);
    for (const path of ['/api/tags', '/router/requests', '/health', '/nowhere']) await router.ask(path);
    await ask(router, 'r1');
    assert.deepEqual(await list(router), { in_flight: 0, complete: true, requests: [await over(router, 'r1')] });
    assert.equal((await router.ask('/router/requests', { method: 'HEAD' })).status, 200);
  });

  test('keeps so many', async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
    for (const keep of [0, 2]) {
      await using router = await routerBefore([endpoint], { requests: { keep } });
      for (const id of ['r1', 'r2', 'r3']) {
        await ask(router, id);
        await router.idle();
        await eventually(async () => (await list(router)).in_flight === 0);
      }
      assert.equal(await idsIn(router), keep === 0 ? '' : 'r3 r2');
      assert.equal(await view(router, 'r1'), undefined);
    }
  });

  test('needs the key, where there is one, and so does cancelling', async () => {
    await using router = await startRouter({ router_api_key: 'SECRET' }, ONCE);
    for (const [method, path] of [
      ['GET', '/router/requests'],
      ['GET', '/router/requests/r1'],
      ['POST', '/router/requests/r1:cancel'],
    ] as const)
      assert.equal((await router.ask(path, { method })).status, 401);
    assert.equal((await router.ask('/router/requests', { headers: { 'X-Api-Key': 'SECRET' } })).status, 200);
  });
});

describe('the id of a request', () => {
  test("is the client's where that can be sent back, else the router's, and leads to it", async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
    await using router = await routerBefore([endpoint]);
    for (const id of ['plain', 'a/b:c.d-e_f', 'x:cancel', '..', 'a//b/', 'z'.repeat(128)]) {
      assert.equal(headerIn(await ask(router, id), 'x-request-id'), id);
      assert.equal((await over(router, id)).id, id);
      assert.equal((await over(router, encodeURIComponent(id))).id, id);
    }
    for (const odd of ['', 'with space', 'größe', 'z'.repeat(129), '<b>']) {
      const answer = await router.ask(CHAT, {
        headers: { 'X-Request-Id': Buffer.from(odd).toString('latin1') },
        body: say('x'),
      });
      const id = headerIn(answer, 'x-request-id') ?? '';
      assert.match(id, /^r-[\w-]+$/);
      assert.equal((await over(router, id)).id, id);
    }
  });

  test('given twice leads to the one under way, and both are listed', async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m', 'stuck'] });
    endpoint.faults.add({ on: { model: 'stuck' }, hang: true });
    await using router = await routerBefore([endpoint]);
    using stuck = await open(router, 'same', say('x', { model: 'stuck' }));
    await eventually(async () => (await list(router)).in_flight === 1);
    await ask(router, 'same');
    await eventually(async () => (await list(router)).in_flight === 1 && (await list(router)).requests.length === 2);
    assert.equal((await view(router, 'same')).model, 'stuck');
    assert.equal(await idsIn(router), 'same same');
    stuck.leave();
  });

  test('that nobody has is a 404 as Ollama says it', async () => {
    await using router = await startRouter({}, ONCE);
    for (const [method, path] of [
      ['GET', '/router/requests/nobody'],
      ['GET', '/router/requests/%zz'],
      ['POST', '/router/requests/nobody:cancel'],
      ['POST', '/router/requests/:cancel'],
    ] as const) {
      const answer = await router.ask(path, { method });
      assert.deepEqual([answer.status, headerIn(answer, 'x-nomyo-error')], [404, 'request_not_found'], path);
      assert.deepEqual(Object.keys(jsonOf(answer)), ['error']);
    }
    const odd = await router.ask('/router/requests/nobody', { method: 'POST' });
    assert.deepEqual([odd.status, headerIn(odd, 'x-nomyo-error')], [404, 'unknown_route']);
  });
});
