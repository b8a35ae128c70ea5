import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Endpoint } from '../../src/domain/endpoint.ts';
import { Catalog } from '../../src/routing/catalog.ts';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import { Http1Client } from '../../src/upstream/http1-client.ts';
import { type Pace, Prober } from '../../src/upstream/prober.ts';
import { endpointAt, modelIn } from '../support/probing.ts';
import { ScriptedServer, turn } from '../support/scripted-server.ts';

const HOUR = 3_600_000;
/** Asks once and never again. */
const ONCE: Pace = { healthy: HOUR, healthyOpenai: HOUR, unreachable: HOUR, timeout: 20_000 };
/** Asks again and again. */
const QUICK: Pace = { healthy: 1, healthyOpenai: 1, unreachable: 1, timeout: 20_000 };

/** A prober, what it found, and what it told. */
class Watch {
  readonly catalog: Catalog;
  readonly prober: Prober;
  /** The health of each endpoint it told about, in order. */
  readonly told: string[] = [];
  #wake: () => void = () => {};

  constructor(context: TestContext, endpoints: readonly Endpoint[], pace: Pace) {
    const client = new Http1Client();
    this.catalog = new Catalog(endpoints);
    this.prober = new Prober(client, this.catalog, (endpoint) => this.#note(endpoint), pace);
    context.after(() => {
      this.prober.stop();
      client.close();
    });
  }

  /** Resolves when it has told of so many changes. */
  async changes(count: number): Promise<void> {
    while (this.told.length < count) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #note(endpoint: Endpoint): void {
    this.told.push(this.catalog.state(endpoint).health);
    this.#wake();
  }
}

test('what a probe finds is in the catalog, and that an endpoint is healthy is told', async (context) => {
  await using server = await startSimulatedEndpoint({ kind: 'llama-server', models: ['m'], slots: 9 });
  const endpoint = endpointAt(server.url, 'llama-server');
  const watch = new Watch(context, [endpoint], ONCE);
  watch.prober.start();
  await watch.changes(1);
  const { health, findings } = watch.catalog.state(endpoint);
  assert.deepEqual([health, findings && modelIn(findings, 'm').slots], ['healthy', 9]);
});

test('an endpoint is asked again and again, and only a change is told', async (context) => {
  await using server = await startSimulatedEndpoint({ kind: 'openai', models: ['m'] });
  const watch = new Watch(context, [endpointAt(server.url, 'openai')], QUICK);
  watch.prober.start();
  await server.waitFor((requests) => requests.length >= 5);
  assert.deepEqual(watch.told, ['healthy']);
});

test('an endpoint that dies is told once, with the reason, and again when it is back; its models are kept', async (context) => {
  await using server = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
  const endpoint = endpointAt(server.url, 'ollama');
  const watch = new Watch(context, [endpoint], QUICK);
  watch.prober.start();
  await watch.changes(1);
  await server.stop();
  await watch.changes(2);
  await watch.prober.probe(endpoint);
  await watch.prober.probe(endpoint);
  const { detail, findings } = watch.catalog.state(endpoint);
  assert.deepEqual([detail, findings?.models.length], ['connection refused', 1]);
  server.addModel('n');
  await server.start();
  await watch.changes(3);
  assert.deepEqual(watch.told, ['healthy', 'unreachable', 'healthy']);
  assert.equal(watch.catalog.state(endpoint).findings?.models.length, 2);
});

test('an endpoint that was dead from the start is told, and so is its first answer', async (context) => {
  await using server = await startSimulatedEndpoint({ kind: 'openai', models: ['m'] });
  await server.stop();
  const watch = new Watch(context, [endpointAt(server.url, 'openai')], QUICK);
  watch.prober.start();
  await watch.changes(1);
  await server.start();
  await watch.changes(2);
  assert.deepEqual(watch.told, ['unreachable', 'healthy']);
});

test('that a request found an endpoint unreachable is told by the next probe that agrees', async (context) => {
  await using server = await startSimulatedEndpoint({ kind: 'openai', models: ['m'] });
  const endpoint = endpointAt(server.url, 'openai');
  const watch = new Watch(context, [endpoint], ONCE);
  await watch.prober.probe(endpoint);
  watch.catalog.failed(endpoint, 'connection reset', false);
  await watch.prober.probe(endpoint);
  assert.deepEqual(watch.told, ['healthy'], 'it was not true');
  await server.stop();
  watch.catalog.failed(endpoint, 'connection refused', false);
  await watch.prober.probe(endpoint);
  assert.deepEqual(watch.told, ['healthy', 'unreachable']);
});

test('an endpoint that hangs is unreachable: at once when it was never seen, else the second time', async (context) => {
  await using server = await startSimulatedEndpoint({ kind: 'openai', models: ['m'] });
  server.faults.add({ hang: true, times: 1 });
  const endpoint = endpointAt(server.url, 'openai');
  const watch = new Watch(context, [endpoint], { ...ONCE, timeout: 200 });
  await watch.prober.probe(endpoint);
  assert.match(watch.catalog.state(endpoint).detail ?? '', /^(did not answer in|sent nothing for) 0\.2 s$/);
  await watch.prober.probe(endpoint);
  server.faults.add({ hang: true, times: 2 });
  await watch.prober.probe(endpoint);
  assert.deepEqual(watch.told, ['unreachable', 'healthy']);
  await watch.prober.probe(endpoint);
  assert.deepEqual(watch.told, ['unreachable', 'healthy', 'unreachable']);
});

test('an endpoint that answers nonsense is unreachable, in words', async (context) => {
  await using server = await ScriptedServer.start((peer) => peer.write('220 mail.example ESMTP\r\n'));
  const endpoint = endpointAt(server.url, 'ollama');
  const watch = new Watch(context, [endpoint], ONCE);
  await watch.prober.probe(endpoint);
  assert.deepEqual([watch.told, watch.catalog.state(endpoint).detail], [['unreachable'], 'did not answer in HTTP/1.1']);
});

test('whoever asks while an endpoint is asked gets that answer', async (context) => {
  await using server = await startSimulatedEndpoint({ kind: 'openai', models: ['m'] });
  const endpoint = endpointAt(server.url, 'openai');
  const watch = new Watch(context, [endpoint], ONCE);
  await Promise.all([watch.prober.probe(endpoint), watch.prober.probe(endpoint), watch.prober.probe(endpoint)]);
  assert.equal(server.requests.length, 1);
  await watch.prober.probe(endpoint);
  assert.equal(server.requests.length, 2);
});

test('one endpoint that hangs keeps no other waiting', async (context) => {
  await using hanging = await startSimulatedEndpoint({ kind: 'openai' });
  await using server = await startSimulatedEndpoint({ kind: 'openai', models: ['m'] });
  hanging.faults.add({ hang: true });
  const watch = new Watch(context, [endpointAt(hanging.url, 'openai'), endpointAt(server.url, 'openai')], QUICK);
  watch.prober.start();
  await server.waitFor((requests) => requests.length >= 5);
  assert.deepEqual([watch.told, hanging.requests.length], [['healthy'], 1]);
});

test('external services are asked less often than machines next door', async (context) => {
  await using external = await startSimulatedEndpoint({ kind: 'openai', models: ['m'] });
  await using near = await startSimulatedEndpoint({ kind: 'vllm', models: ['m'] });
  const endpoints = [endpointAt(external.url, 'openai'), endpointAt(near.url, 'vllm')];
  const watch = new Watch(context, endpoints, { ...QUICK, healthyOpenai: HOUR });
  watch.prober.start();
  await watch.changes(2);
  await near.waitFor((requests) => requests.length >= 5);
  assert.equal(external.requests.length, 1);
});

test('stopping ends a probe under way and asks nothing more', async (context) => {
  for (const kind of ['ollama', 'llama-server', 'openai'] as const) {
    await using server = await startSimulatedEndpoint({ kind, models: ['m'] });
    server.faults.add({ hang: true });
    const endpoint = endpointAt(server.url, kind);
    const watch = new Watch(context, [endpoint], QUICK);
    watch.prober.start();
    await server.waitFor((requests) => requests.length > 0);
    const underWay = watch.prober.probe(endpoint);
    watch.prober.stop();
    await underWay;
    await server.waitFor((requests) => requests.every((request) => request.socketClosedAt !== undefined));
    const asked = server.requests.length;
    await watch.prober.probe(endpoint);
    await turn();
    assert.deepEqual(
      [server.requests.length, watch.told, watch.catalog.state(endpoint).health],
      [asked, [], 'unknown'],
    );
  }
});

test('many endpoints are asked without a warning of too many listeners', async (context) => {
  const warnings: Error[] = [];
  const note = (warning: Error) => warnings.push(warning);
  process.on('warning', note);
  await using server = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
  const endpoints = Array.from({ length: 40 }, (_, i) => endpointAt(`${server.url}`, 'ollama', { name: `e${i}` }));
  const watch = new Watch(context, endpoints, QUICK);
  watch.prober.start();
  await watch.changes(40);
  await server.waitFor((requests) => requests.length > 1000);
  watch.prober.stop();
  await turn();
  process.off('warning', note);
  assert.deepEqual(warnings, []);
});
