import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import { startFleet } from '../../src/simulator/fleet.ts';
import { eventually, type RunningRouter, routerBefore } from '../support/router.ts';
import { ask, cancel, list, open, over, say } from './request-views.ts';

const OFTEN = { healthy: 10, healthyOpenai: 10, unreachable: 10, timeout: 2_000 };

/** The lines about a request, as soon as there is one, without their time. */
async function linesOf(router: RunningRouter, id: string): Promise<string[]> {
  const found = () => router.log.map((line) => line.replace(/^\S+ /, '')).filter((line) => line.includes(id));
  await eventually(() => found().length > 0);
  // Whatever else were to be said of it would be said by the end of another request.
  await ask(router, `after-${id}`, say('x', { model: 'unknown' }));
  await eventually(() => router.log.some((line) => line.includes(`after-${id}`)));
  return found().filter((line) => !line.includes(`after-${id}`));
}

describe('the log has one line', () => {
  test('for a request that was answered, whole or streamed', async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'], loaded: ['m'] });
    await using router = await routerBefore([{ at: endpoint, name: 'gpu-a' }]);
    for (const stream of [true, false]) {
      const id = `r-${stream}`;
      await ask(router, id, say('say 5 tokens', { stream }));
      const lines = await linesOf(router, id);
      assert.equal(lines.length, 1, lines.join('\n'));
      assert.match(
        lines[0] ?? '',
        new RegExp(
          `^${id} 200 /api/chat m:latest → gpu-a \\d+\\.\\d+s( \\(.*\\))? \\d+→5( \\S+ tok/s)? ollama-js/0.6.4  only_endpoint$`,
        ),
      );
    }
  });

  test('for one that its client left, or somebody cancelled', async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
    endpoint.faults.add({ on: { method: 'POST' }, stallAfterTokens: 2 });
    await using router = await routerBefore([endpoint]);
    for (const id of ['r-left', 'r-cancelled']) {
      using client = await open(router, id, say('x'));
      await client.until(() => client.received.includes('"content"'));
      if (id === 'r-left') client.leave();
      else await cancel(router, id);
      const lines = (await linesOf(router, id)).filter((line) => !line.includes(':cancel'));
      assert.equal(lines.length, 1, lines.join('\n'));
      assert.match(lines[0] ?? '', new RegExp(`^${id} 200 /api/chat m:latest .* ~\\d+→~[12] .*  cancelled$`));
      await router.idle();
    }
  });

  test('for one that was refused, by an endpoint or by the router', async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
    endpoint.faults.add({ on: { method: 'POST' }, status: 400, body: { error: 'no such option' } });
    await using router = await routerBefore([endpoint]);
    await ask(router, 'r-refused');
    await ask(router, 'r-unknown', say('x', { model: 'unknown' }));
    for (const [id, end] of [
      ['r-refused', /^r-refused 400 .* {2}client_error refused: no such option$/],
      ['r-unknown', /^r-unknown 404 .* {2}client_error model_not_found: model 'unknown' not found$/],
    ] as const) {
      const lines = await linesOf(router, id);
      assert.equal(lines.length, 1, lines.join('\n'));
      assert.match(lines[0] ?? '', end);
    }
  });

  test('for one that another endpoint answered, and names the first', async () => {
    await using fleet = await startFleet({
      a: { kind: 'ollama', models: ['m'], loaded: ['m'] },
      b: { kind: 'ollama', models: ['m'] },
    });
    const { a, b } = fleet.endpoints;
    a.faults.add({ on: { method: 'POST' }, status: 503, body: { error: 'busy' } });
    await using router = await routerBefore([
      { at: a, name: 'a' },
      { at: b, name: 'b' },
    ]);
    await ask(router, 'r1');
    const lines = await linesOf(router, 'r1');
    assert.equal(lines.length, 1, lines.join('\n'));
    assert.match(lines[0] ?? '', /^r1 200 \/api\/chat m:latest → b after a /);
  });

  test('for an answer that broke off, and one for the endpoint that failed', async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
    endpoint.faults.add({ on: { method: 'POST' }, cutAtByte: 300 });
    await using router = await routerBefore([{ at: endpoint, name: 'gpu-a' }]);
    await ask(router, 'r1', say('say 50 tokens'));
    const [line, ...others] = await linesOf(router, 'r1');
    assert.deepEqual(others, []);
    assert.match(line ?? '', /^warn r1 200 .* {2}upstream_error upstream_lost: \S.*$/);
    assert.equal(router.log.filter((one) => /warn endpoint gpu-a failed a request: /.test(one)).length, 1);
  });
});

test('what merely looks at the router has no line, unless it fails', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
  await using router = await routerBefore([endpoint]);
  const { length } = router.log;
  for (const path of ['/api/tags', '/health', '/api/usage', '/router/requests', '/metrics']) await router.ask(path);
  await router.ask('/nowhere?api_key=SECRET');
  await eventually(() => router.log.some((line) => line.includes('/nowhere')));
  assert.deepEqual(
    router.log.slice(length).map((line) => line.replace(/^\S+ \S+ /, '').replace(/ \d.*s 127/, ' 127')),
    ['404 GET /nowhere 127.0.0.1  client_error unknown_route: no route GET /nowhere'],
  );
});

test('an endpoint has a line when it goes and one when it is back, and none for the probes that fail meanwhile', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m', 'n'] });
  await using router = await routerBefore([{ at: endpoint, name: 'gpu-a' }], {}, OFTEN);
  const told = () => router.log.filter((line) => line.includes('endpoint gpu-a'));
  const probes = () => endpoint.requests.filter(({ path }) => path === '/api/tags').length;
  await eventually(() => probes() > 5);
  assert.equal(told().length, 1);
  assert.match(told()[0] ?? '', / endpoint gpu-a healthy, 2 models$/);
  endpoint.faults.add({ on: { method: 'GET' }, status: 500 });
  await eventually(() => told().length === 2);
  const failed = probes();
  await eventually(() => probes() > failed + 5);
  assert.equal(told().length, 2);
  assert.match(told()[1] ?? '', / warn endpoint gpu-a unreachable: \S/);
  endpoint.faults.clear();
  await eventually(() => told().length === 3);
  const back = probes();
  await eventually(() => probes() > back + 5);
  assert.equal(told().length, 3);
  assert.match(told()[2] ?? '', / endpoint gpu-a healthy, 2 models$/);
});

test('many requests to an endpoint that is gone: one line each, one for its state', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
  await using router = await routerBefore([{ at: endpoint, name: 'gpu-a' }], {}, OFTEN);
  await endpoint.stop();
  await Promise.all(Array.from({ length: 10 }, (_, i) => ask(router, `r${i}-end`)));
  for (let i = 0; i < 10; i++) await over(router, `r${i}-end`);
  assert.equal((await list(router)).in_flight, 0);
  for (let i = 0; i < 10; i++) assert.equal(router.log.filter((line) => line.includes(`r${i}-end `)).length, 1);
  assert.equal(router.log.filter((line) => line.includes('endpoint gpu-a unreachable')).length, 1);
  assert.doesNotMatch(router.log.join('\n'), /undefined|NaN|\[object/);
});
