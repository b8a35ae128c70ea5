import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startFleet } from '../../src/simulator/fleet.ts';
import type { RecordedRequest } from '../../src/simulator/simulation.ts';
import { type RunningRouter, routerBefore } from '../support/router.ts';
import { headerIn, jsonOf, textOf, type WireRequest } from '../support/wire.ts';

const ROUTES: readonly (readonly [path: string, request: WireRequest])[] = [
  ['/api/status', {}],
  ['/api/me', { method: 'POST' }],
  ['/api/me', { body: '{}' }],
  ['/api/signout', { method: 'POST' }],
  ['/api/user/keys/c3NoLWVk%2Fx$&', { method: 'DELETE' }],
  ['/api/experimental/web_search', { body: { query: 'x', max_results: 2 } }],
  ['/api/experimental/web_fetch', { body: '{"url": "https://example.com/" }' }],
  ['/api/experimental/model-recommendations', {}],
];

/** What is no probe. */
function errands(requests: readonly RecordedRequest[]) {
  return requests.filter(({ path }) => !/^\/api\/(version|tags|ps)$/.test(path));
}

describe('routes of the account and the cloud go to one designated Ollama (contract 1.5, ux R29)', () => {
  for (const [path, request] of ROUTES) {
    const title = `${request.method ?? (request.body === undefined ? 'GET' : 'POST')} ${path}`;

    test(`${title}: to the endpoint marked for the cloud, once, as it is`, async () => {
      await using fleet = await startFleet({
        a: { kind: 'ollama', account: 'a' },
        cloud: { kind: 'ollama', account: 'b' },
        l: { kind: 'llama-server', models: ['m'] },
      });
      const { a, cloud, l } = fleet.endpoints;
      await using router = await routerBefore([l, a, { at: cloud, cloud: true }]);
      const headers = { Authorization: 'Bearer mine', Cookie: 'x=1', 'User-Agent': 'ollama/0.33.0' };
      const answer = await router.ask(`${path}?ts=1`, { ...request, headers });
      assert.equal(answer.status, 200, textOf(answer));
      const [got, ...more] = errands(cloud.requests);
      assert.ok(got);
      assert.deepEqual([got.target, more.length], [`${path}?ts=1`, 0]);
      const { body } = request;
      assert.equal(got.body.toString(), typeof body === 'object' ? JSON.stringify(body) : (body ?? ''));
      const sent = got.headers.map(([name]) => name.toLowerCase());
      assert.ok(!sent.includes('authorization') && !sent.includes('cookie') && sent.includes('user-agent'));
      assert.deepEqual(
        [errands(a.requests).length, errands(l.requests).filter(({ method }) => method !== 'GET').length],
        [0, 0],
      );
    });

    test(`${title}: without a mark to the first healthy one`, async () => {
      await using fleet = await startFleet({
        dead: { kind: 'ollama' },
        first: { kind: 'ollama', account: 'a' },
        second: { kind: 'ollama', account: 'b' },
      });
      const { dead, first, second } = fleet.endpoints;
      await dead.stop();
      await using router = await routerBefore([dead, first, second]);
      assert.equal((await router.ask(path, request)).status, 200);
      assert.deepEqual([errands(first.requests).length, errands(second.requests).length], [1, 0]);
    });

    test(`${title}: without an Ollama`, async () => {
      await using fleet = await startFleet({ l: { kind: 'llama-server', models: ['m'] } });
      await using router = await routerBefore([fleet.endpoints.l]);
      const answer = await router.ask(path, request);
      const isStatus = path === '/api/status';
      assert.equal(answer.status, isStatus ? 200 : 404);
      if (isStatus) assert.deepEqual(jsonOf(answer), { cloud: { disabled: true, source: 'router' } });
      else assert.deepEqual(Object.keys(jsonOf(answer)), ['error']);
      assert.match(headerIn(answer, 'content-type') ?? '', /^application\/json/);
    });

    for (const [what, fault, status] of [
      ['is lost', { cutAtByte: 0 }, 502],
      ['hangs', { hang: true }, 504],
      ['breaks off', { cutAtByte: 3 }, 502],
    ] as const) {
      test(`${title}: where that one ${what} the client is told so, and nobody else is asked`, async () => {
        await using fleet = await startFleet({
          cloud: { kind: 'ollama', account: 'a' },
          other: { kind: 'ollama', account: 'b' },
        });
        const { cloud, other } = fleet.endpoints;
        const patience = 'hang' in fault ? { timeouts: { first_byte: '50ms' } } : {};
        await using router = await routerBefore([{ at: cloud, cloud: true }, other], patience);
        cloud.faults.add({ on: { path: /^\/api\/(status|me|signout|user|experimental)/ }, ...fault });
        const answer = await router.ask(path, request);
        assert.deepEqual([answer.status, Object.keys(jsonOf(answer))], [status, ['error']]);
        assert.equal(errands(other.requests).length, 0);
      });
    }
  }

  async function signedOut(use: (router: RunningRouter) => Promise<void>): Promise<void> {
    await using fleet = await startFleet({ a: { kind: 'ollama' } });
    await using router = await routerBefore([fleet.endpoints.a]);
    await use(router);
  }

  test('who is not signed in gets the status and the address to sign in at, the ollama command too', async () => {
    await signedOut(async (router) => {
      for (const agent of ['curl/8', 'ollama/0.33.0 (amd64 linux) Go/go1.26']) {
        const answer = await router.ask('/api/me', { method: 'POST', headers: { 'User-Agent': agent } });
        const { error, signin_url: address } = jsonOf(answer);
        assert.deepEqual([answer.status, error], [401, 'unauthorized']);
        assert.match(address, /^https:\/\/ollama\.com\/connect\?name=/);
      }
    });
  });

  test('signing out is answered with null', async () => {
    await signedOut(async (router) =>
      assert.equal(textOf(await router.ask('/api/signout', { method: 'POST' })), 'null'),
    );
  });

  test('an endpoint that knows no such route is heard in JSON', async () => {
    await signedOut(async (router) => {
      const answer = await router.ask('/api/experimental/nothing');
      assert.deepEqual([answer.status, jsonOf(answer)], [404, { error: '404 page not found' }]);
    });
  });

  test('HEAD is what GET is, less the body', async () => {
    await signedOut(async (router) => {
      const get = await router.ask('/api/status');
      const head = await router.ask('/api/status', { method: 'HEAD' });
      assert.deepEqual([head.status, head.body.length], [200, 0]);
      assert.equal(headerIn(head, 'content-length'), headerIn(get, 'content-length'));
    });
  });

  test('a path cannot climb to another route of the endpoint', async () => {
    await using fleet = await startFleet({ a: { kind: 'ollama' } });
    await using router = await routerBefore([fleet.endpoints.a]);
    for (const rest of ['..', '%2e%2E', '../../tags', 'a/b', '.%2e', '..%2ftags', 'a%2F%2e%2e%5Cb'])
      assert.equal((await router.ask(`/api/experimental/${rest}`)).status, 404, rest);
    assert.deepEqual(errands(fleet.endpoints.a.requests), []);
  });

  test('a client that leaves ends the errand', async () => {
    await using fleet = await startFleet({ a: { kind: 'ollama' } });
    const { a } = fleet.endpoints;
    await using router = await routerBefore([a]);
    a.faults.add({ on: { path: '/api/me' }, hang: true });
    using wire = await router.open();
    wire.request('/api/me', { method: 'POST' });
    await a.waitFor((requests) => errands(requests).length === 1);
    wire.leave();
    await a.waitFor((requests) => errands(requests)[0]?.clientLeft === true);
  });
});
