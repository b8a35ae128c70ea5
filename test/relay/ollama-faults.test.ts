import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startFleet } from '../../src/simulator/fleet.ts';
import type { FaultRule, SimulatedEndpoint } from '../../src/simulator/simulation.ts';
import { asked, counts } from '../support/records.ts';
import { routerBefore } from '../support/router.ts';
import { jsonOf, textOf } from '../support/wire.ts';

const MODEL = { name: 'all', capabilities: ['completion', 'embedding'] } as const;
const OLLAMA = { kind: 'ollama', version: '0.33.0', models: [MODEL] } as const;
const questions = { sure: { type: 'noul', instructions: 'x' } };
const ROUTES = [
  ['/api/embed', { input: ['one', 'two'] }],
  ['/api/embeddings', { prompt: 'one' }],
  ['/api/embed', { input: '' }],
  ['/api/generate', { prompt: '' }],
  ['/api/chat', { messages: [] }],
  ['/api/generate', { prompt: 'Tell me 5 tokens', stream: false }],
  ['/api/chat', { messages: [{ role: 'user', content: 'Tell me 5 tokens' }] }],
  ['/api/show', {}],
  ['/v1/systemone', { state: 'x', questions }],
] as const;

/** What goes wrong, and what the client is told where nobody else can answer. */
const FAULTS: readonly (readonly [what: string, fault: FaultRule, status: number])[] = [
  ['is lost', { cutAtByte: 0 }, 502],
  ['breaks off after its head', { cutAtByte: 'head' }, 502],
  ['breaks off in its first line', { cutAtByte: 5 }, 502],
  ['hangs', { hang: true }, 504],
  [
    'is busy',
    { status: 503, body: { error: 'server busy, please try again.  maximum pending requests exceeded' } },
    503,
  ],
  ['has just lost the model', { status: 404, body: { error: "model 'all' not found" } }, 404],
];

function patience(fault: FaultRule) {
  return fault.hang === true ? { timeouts: { first_byte: '300ms' } } : {};
}

/** The one of two equals that is to be asked first: it alone has the model loaded. */
async function preferred(endpoint: SimulatedEndpoint): Promise<void> {
  await endpoint.load('all');
}

for (const [path, fields] of ROUTES) {
  const body = { model: 'all', ...fields };
  describe(`${path} ${JSON.stringify(fields)}`, () => {
    for (const [what, fault, status] of FAULTS) {
      test(`where one endpoint ${what} another one answers`, async () => {
        await using fleet = await startFleet({ bad: OLLAMA, good: OLLAMA });
        const { bad, good } = fleet.endpoints;
        await preferred(bad);
        await using router = await routerBefore([bad, good], patience(fault));
        bad.faults.add({ on: { path }, ...fault });
        const answer = await router.ask(path, { body });
        assert.deepEqual([answer.status, answer.complete], [200, true], textOf(answer));
        // A connection that was kept open and is lost may be the client's fault: it is tried anew.
        assert.deepEqual([asked(bad).length > 0, asked(good).length], [true, 1]);
        assert.equal(asked(bad)[0]?.body.toString(), asked(good)[0]?.body.toString());
        await router.idle();
      });

      test(`where the only endpoint ${what} the client gets ${status} and a reason`, async () => {
        await using fleet = await startFleet({ bad: OLLAMA });
        const { bad } = fleet.endpoints;
        await using router = await routerBefore([bad], patience(fault));
        bad.faults.add({ on: { path }, ...fault });
        const answer = await router.ask(path, { body });
        assert.deepEqual([answer.status, typeof jsonOf(answer).error], [status, 'string']);
        await router.idle();
      });
    }

    test('an endpoint that is dead already is not asked', async () => {
      await using fleet = await startFleet({ dead: OLLAMA, good: OLLAMA });
      const { dead, good } = fleet.endpoints;
      await dead.stop();
      await using router = await routerBefore([dead, good]);
      assert.equal((await router.ask(path, { body })).status, 200);
      assert.equal(counts(good)[0], 1);
    });

    test('a client that leaves frees the slot', async () => {
      await using fleet = await startFleet({ slow: OLLAMA });
      const { slow } = fleet.endpoints;
      await using router = await routerBefore([slow]);
      slow.faults.add({ on: { path }, hang: true });
      using wire = await router.open();
      wire.request(path, { body });
      await slow.waitFor(() => asked(slow).length === 1);
      wire.leave();
      await slow.waitFor(() => asked(slow)[0]?.clientLeft === true);
      await router.idle();
    });
  });
}

test('a stream that fails midway ends with a line that says so (contract 1.1)', async () => {
  await using fleet = await startFleet({ bad: OLLAMA, good: OLLAMA });
  const { bad, good } = fleet.endpoints;
  await preferred(bad);
  await using router = await routerBefore([bad, good]);
  bad.faults.add({ on: { path: '/api/chat' }, silentEndAfterTokens: 2 });
  const messages = [{ role: 'user', content: 'Tell me 5 tokens' }];
  const answer = await router.ask('/api/chat', { body: { model: 'all', messages } });
  const lines = textOf(answer)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual([answer.status, Object.keys(lines.at(-1)), counts(good)[0]], [200, ['error'], 0]);
});

test('an unload that one endpoint does not hear unloads the others', async () => {
  await using fleet = await startFleet({ deaf: OLLAMA, good: OLLAMA });
  const { deaf, good } = fleet.endpoints;
  await Promise.all([preferred(deaf), preferred(good)]);
  await using router = await routerBefore([deaf, good], { timeouts: { first_byte: '300ms' } });
  deaf.faults.add({ on: { path: '/api/generate' }, hang: true });
  const answer = await router.ask('/api/generate', { body: { model: 'all', keep_alive: 0 } });
  assert.deepEqual([answer.status, jsonOf(answer).done_reason, good.loadedModels()], [200, 'unload', []]);
});
