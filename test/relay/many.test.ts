import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startFleet } from '../../src/simulator/fleet.ts';
import type { SimulatedEndpoint } from '../../src/simulator/simulation.ts';
import { asked } from '../support/records.ts';
import { type Configured, eventually, type InFlight, type RunningRouter, routerBefore } from '../support/router.ts';
import type { Wire } from '../support/wire.ts';

const ROOM = { models: ['m'], loaded: ['m'], slots: 1_000 };

/** Numbers that look random and are the same in every run. */
function sequence(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}

function body(random: () => number): { path: string; body: object } {
  const messages = [{ role: 'user', content: `say ${1 + Math.floor(random() * 40)} tokens` }];
  const stream = random() < 0.6;
  return random() < 0.5
    ? { path: '/api/chat', body: { model: 'm', messages, stream } }
    : { path: '/v1/chat/completions', body: { model: 'm', messages, stream } };
}

/** How many requests run on each endpoint, as these see it themselves. */
function seen(endpoints: readonly SimulatedEndpoint[]): InFlight {
  const busy = endpoints
    .map((endpoint) => [endpoint, endpoint.inFlight('m')] as const)
    .filter(([, count]) => count > 0);
  return Object.fromEntries(
    busy.map(([{ url, kind }, count]) => [url, { [kind === 'ollama' ? 'm:latest' : 'm']: count }]),
  );
}

test('what is in flight is what the endpoints see, through 500 requests that fail, break and are left', async () => {
  await using fleet = await startFleet({
    a: { kind: 'ollama', ...ROOM },
    b: { kind: 'llama-server', ...ROOM },
    c: { kind: 'vllm', ...ROOM },
    d: { kind: 'ollama', ...ROOM },
  });
  const endpoints = Object.values(fleet.endpoints);
  await using router = await routerBefore(endpoints, { max_concurrent_connections: 8 });
  const random = sequence(7);
  for (const [index, endpoint] of endpoints.entries()) {
    endpoint.faults.add({ on: { method: 'POST' }, skip: 5 + index, times: 10, cutAtByte: 300 });
    endpoint.faults.add({ on: { method: 'POST' }, skip: 9, times: 10, cutAtByte: 0 });
    endpoint.faults.add({ on: { method: 'POST' }, times: 10, status: 503, body: { error: 'busy' } });
    endpoint.faults.add({ on: { method: 'POST' }, skip: 20, times: 3, stallAfterTokens: 3 });
  }
  const held = await Promise.all(Array.from({ length: 500 }, () => one(router, random)));
  await eventually(
    async () =>
      JSON.stringify(await router.inFlight()) === JSON.stringify(ordered(await router.inFlight(), seen(endpoints))),
  );
  for (const client of held) client.leave();
  await router.idle();
  await Promise.all(endpoints.map((endpoint) => endpoint.waitFor(() => endpoint.inFlight() === 0)));
  assert.ok(
    endpoints.every((endpoint) => asked(endpoint).length > 50),
    'all endpoints took part',
  );
});

/** Asks, and leaves where chance has it so; what stalls is left in the end. */
async function one(router: RunningRouter, random: () => number): Promise<Wire> {
  const client = await router.open();
  const { path, body: asked } = body(random);
  const leaves = random();
  client.request(path, { body: asked });
  if (leaves < 0.1) client.leave();
  else if (leaves < 0.3)
    await client
      .until(() => client.received.length > 0)
      .then(
        () => client.leave(),
        () => {},
      );
  else await Promise.race([client.answer(), stalled(client)]);
  return client;
}

/** An answer of which nothing more comes while the others go on. */
function stalled(client: Wire): Promise<void> {
  return new Promise((resolve) => client.socket.setTimeout(300, resolve));
}

/** The same counts in the order of another object. */
function ordered(like: InFlight, counts: InFlight): InFlight {
  const keys = new Set([...Object.keys(like), ...Object.keys(counts)]);
  return Object.fromEntries(
    [...keys].filter((key) => counts[key] !== undefined).map((key) => [key, counts[key] ?? {}]),
  );
}

test('no endpoint gets more than its slots while another has one free, and all are used', async () => {
  await using fleet = await startFleet({
    a: { kind: 'ollama', ...ROOM },
    b: { kind: 'llama-server', ...ROOM },
    c: { kind: 'vllm', ...ROOM },
  });
  const { a, b, c } = fleet.endpoints;
  const slots: readonly Configured[] = [
    { at: a, slots: 2 },
    { at: b, slots: 3 },
    { at: c, slots: 5 },
  ];
  await using router = await routerBefore(slots);
  const random = sequence(11);
  await Promise.all(
    Array.from({ length: 10 }, async () => {
      for (let i = 0; i < 30; i++) {
        const { path, body: asked } = body(random);
        const answer = await router.ask(path, { body: asked });
        assert.equal(answer.status, 200);
      }
    }),
  );
  assert.deepEqual(
    [a, b, c].map((endpoint) => endpoint.peakInFlight('m')),
    [2, 3, 5],
  );
  await router.idle();
});
