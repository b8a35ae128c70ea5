import assert from 'node:assert/strict';
import http, { type IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { describe, test } from 'node:test';
import { EventSource } from 'eventsource';
import { RouterError } from '../../src/errors.ts';
import { HttpReply } from '../../src/server/http-reply.ts';
import { type StreamLimits, UsageStream } from '../../src/server/usage-stream.ts';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import { WriteBatch } from '../../src/upstream/write-batch.ts';
import { eventually, ONCE, routerBefore, startRouter } from '../support/router.ts';
import { headerIn, type Json, jsonOf, openWire, Wire } from '../support/wire.ts';

const PATH = '/api/usage-stream';
const HEARTBEAT = ': heartbeat\n\n';
const ASK = { body: { model: 'm', messages: [{ role: 'user', content: 'say 5 tokens' }] } };
const NOTHING_SPENT = { usage_counts: {}, token_usage_counts: {} };
/** Looks often; everything else takes longer than any test. */
const LIMITS: StreamLimits = { lookMs: 5, silentLooks: 1e9, slowLooks: 1e9, endMs: 3_600_000, subscribers: 100 };

/** Reads a stream of events as they come. */
class Subscriber implements Disposable {
  readonly answer: IncomingMessage;
  events: Json[] = [];
  heartbeats = 0;
  end: 'complete' | 'broken' | undefined;
  #rest = '';

  constructor(answer: IncomingMessage) {
    this.answer = answer;
    answer.setEncoding('utf8').on('data', (text: string) => this.#take(text));
    answer.on('end', () => (this.end = 'complete'));
    answer.on('error', () => (this.end = 'broken'));
  }

  /** Resolves when the first event is there. */
  static async of(port: number, path = PATH): Promise<Subscriber> {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      http.get({ port, path, host: '127.0.0.1', agent: false }, resolve).on('error', reject);
    });
    assert.equal(answer.statusCode, 200);
    const subscriber = new Subscriber(answer);
    await eventually(() => subscriber.events.length > 0);
    return subscriber;
  }

  get last(): Json {
    return this.events.at(-1);
  }

  leave(): void {
    this.answer.destroy();
  }

  [Symbol.dispose](): void {
    this.leave();
  }

  #take(text: string): void {
    const blocks = `${this.#rest}${text}`.split('\n\n');
    this.#rest = blocks.pop() ?? '';
    for (const block of blocks) {
      if (`${block}\n\n` === HEARTBEAT) this.heartbeats++;
      else this.events.push(JSON.parse(block.replace(/^data: (?=[^\n]*$)/, '')));
    }
  }
}

/** Subscribes and takes nothing from the network until it is told to. */
async function deaf(port: number): Promise<Wire> {
  const socket = connect(port, '127.0.0.1');
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  const wire = new Wire(socket);
  socket.pause();
  wire.request(PATH);
  return wire;
}

/** A server of nothing but a statistic that the test changes. */
async function stage(limits: Partial<StreamLimits> = {}) {
  let value: unknown = 'at first';
  let [changes, asked, looks] = [0, 0, 0];
  const live = {
    snapshot: () => ({ value, asked: ++asked }),
    changes() {
      looks++;
      return changes;
    },
  };
  const stream = new UsageStream(live, { ...LIMITS, ...limits });
  const replies: HttpReply[] = [];
  const batch = new WriteBatch();
  const server = http.createServer((_, response) => {
    const reply = new HttpReply(response, 'id', 3_600_000, batch);
    replies.push(reply);
    try {
      stream.subscribe(reply);
    } catch (error) {
      if (!(error instanceof RouterError)) throw error;
      reply.json(error.status, { code: error.code, after: error.details.retryAfterSeconds });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    stream,
    replies,
    port,
    get asked() {
      return asked;
    },
    /** How often it was looked whether anything has changed: at each subscription, and then again and again. */
    get looks() {
      return looks;
    },
    change(to: unknown) {
      value = to;
      changes++;
    },
    subscribe: () => Subscriber.of(port),
    /** One who reads nothing, with as much before them as they can be given. */
    async full(reader: Subscriber): Promise<{ wire: Wire; reply: HttpReply }> {
      const wire = await deaf(port);
      await eventually(() => stream.subscribers === 2);
      const reply = replies.at(-1);
      assert.ok(reply);
      for (let round = 0; !reply.isFull; round++) {
        this.change([round, 'x'.repeat(500_000)]);
        await eventually(() => reader.last.value[0] === round);
        reader.events = [reader.last];
        assert.ok(round < 1_000, 'it is full some time');
      }
      return { wire, reply };
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe('a subscriber of usage', () => {
  test('gets what /api/usage says at once, with the headers of a stream', async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
    await using router = await routerBefore([endpoint]);
    await router.ask('/api/chat', ASK);
    await router.idle();
    using subscriber = await Subscriber.of(router.port);
    assert.deepEqual(subscriber.events, [jsonOf(await router.ask('/api/usage'))]);
    assert.ok(subscriber.last.token_usage_counts[endpoint.url]['m:latest'] > 5);
    const { headers } = subscriber.answer;
    assert.equal(headers['content-type'], 'text/event-stream');
    assert.equal(headers['cache-control'], 'no-cache, no-transform');
    assert.equal(headers['x-accel-buffering'], 'no');
    assert.ok(headers['x-request-id']);
  });

  test('sees a request while it is in flight, and what it spent when it is over', async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
    endpoint.faults.add({ on: { method: 'POST' }, stallAfterTokens: 2, times: 1 });
    await using router = await routerBefore([endpoint]);
    using subscriber = await Subscriber.of(router.port);
    assert.deepEqual(subscriber.events, [NOTHING_SPENT]);
    using client = await router.open();
    client.request('/api/chat', ASK);
    await client.until(() => client.received.includes('"content"'));
    await eventually(() => subscriber.last.usage_counts[endpoint.url]?.['m:latest'] === 1);
    client.leave();
    await router.idle();
    const usage = jsonOf(await router.ask('/api/usage'));
    assert.ok(usage.token_usage_counts[endpoint.url]['m:latest'] > 0);
    await eventually(() => JSON.stringify(subscriber.last) === JSON.stringify(usage));
  });

  test('needs the key, where there is one, and may have it in the URL as browsers must', async () => {
    await using router = await startRouter({ router_api_key: 'SECRET' }, ONCE);
    for (const path of [PATH, `${PATH}?api_key=wrong`]) assert.equal((await router.ask(path)).status, 401);
    for (const path of [`${PATH}?api_key=SECRET`, `/k/SECRET${PATH}`]) {
      using subscriber = await Subscriber.of(router.port, path);
      assert.deepEqual(subscriber.events, [NOTHING_SPENT]);
    }
    assert.doesNotMatch(router.log.join('\n'), /SECRET/);
  });

  test('that asks with HEAD is told at once that only GET will do', async () => {
    await using router = await startRouter({}, ONCE);
    const answer = await router.ask(PATH, { method: 'HEAD' });
    assert.deepEqual([answer.status, headerIn(answer, 'allow')], [405, 'GET']);
  });

  test('of HTTP/1.0 gets the same, without frames', async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
    await using router = await routerBefore([endpoint]);
    using wire = await router.open();
    wire.send(`GET ${PATH} HTTP/1.0\r\n\r\n`);
    await wire.until(() => /\r\n\r\ndata: \{[^\n]*\}\n\n$/.test(wire.received.toString()));
    await router.ask('/api/chat', ASK);
    await wire.until(() => /\n\ndata: \{[^\n]*"m:latest":\d+[^\n]*\}\n\n$/.test(wire.received.toString()));
  });

  test('that leaves is forgotten, also one who only says that it will send no more', async () => {
    await using server = await stage();
    using first = await server.subscribe();
    using second = await openWire(server.port);
    second.request(PATH);
    using third = await server.subscribe();
    await eventually(() => server.stream.subscribers === 3);
    first.leave();
    second.socket.end();
    await eventually(() => server.stream.subscribers === 1);
    server.change('later');
    await eventually(() => third.last.value === 'later');
    third.leave();
    await eventually(() => server.stream.subscribers === 0);
    const { asked, looks } = server;
    server.change('nobody looks');
    await using other = await stage();
    using _ = await other.subscribe();
    await eventually(() => other.looks > 10);
    assert.equal(server.looks, looks);
    using again = await server.subscribe();
    assert.deepEqual(again.events, [{ value: 'nobody looks', asked: asked + 1 }]);
  });
});

describe('a stream of usage', () => {
  test('says the same to all, and asks for it once', async () => {
    await using server = await stage();
    const all = await Promise.all(Array.from({ length: 20 }, () => server.subscribe()));
    server.change('new');
    await eventually(() => all.every(({ events }) => events.length === 2));
    const said = [
      { value: 'at first', asked: 1 },
      { value: 'new', asked: 2 },
    ];
    for (const { events } of all) assert.deepEqual(events, said);
    for (const subscriber of all) subscriber.leave();
  });

  test('tells the others what a new subscriber was told first', async () => {
    await using server = await stage({ lookMs: 50 });
    using early = await server.subscribe();
    server.change('new');
    using late = await server.subscribe();
    assert.equal(late.last.value, 'new');
    await eventually(() => early.last.value === 'new');
    server.change('newer');
    await eventually(() => late.last.value === 'newer');
    assert.equal(late.events.length, 2, 'nothing twice');
  });

  test('gives signs of life while nothing changes', async () => {
    await using server = await stage({ silentLooks: 3 });
    using subscriber = await server.subscribe();
    await eventually(() => subscriber.heartbeats > 3);
    assert.deepEqual(subscriber.events, [{ value: 'at first', asked: 1 }]);
    const beats = (server.replies[0]?.writes ?? 0) - 1;
    assert.equal(beats, Math.floor((server.looks - 1) / 3));
  });

  test('gives who reads slowly the newest, and nothing of what was between', async () => {
    await using server = await stage();
    using reader = await server.subscribe();
    const { wire, reply } = await server.full(reader);
    using _ = wire;
    const { writes } = reply;
    for (const between of ['between 1', 'between 2', 'the newest']) {
      server.change(between);
      await eventually(() => reader.last.value === between);
    }
    assert.equal(reply.writes, writes, 'nothing is kept for it');
    wire.socket.resume();
    await wire.until(() => wire.received.includes('the newest'));
    assert.equal(wire.received.includes('between'), false);
    assert.equal(server.stream.subscribers, 2);
  });

  test('drops who reads nothing, while the others go on', async () => {
    await using server = await stage({ slowLooks: 50 });
    using reader = await server.subscribe();
    const { wire, reply } = await server.full(reader);
    using _ = wire;
    await eventually(() => server.stream.subscribers === 1);
    await eventually(() => reply.gone);
    server.change('to the others');
    await eventually(() => reader.last.value === 'to the others');
    wire.socket.resume();
    await wire.end();
  });

  test('takes so many subscribers and refuses the next one until one leaves', async () => {
    await using server = await stage({ subscribers: 2 });
    using first = await server.subscribe();
    using _ = await server.subscribe();
    using refused = await openWire(server.port);
    refused.request(PATH);
    const answer = await refused.answer();
    assert.deepEqual([answer.status, jsonOf(answer)], [503, { code: 'router_busy', after: 5 }]);
    first.leave();
    await eventually(() => server.stream.subscribers === 1);
    using taken = await server.subscribe();
    assert.equal(taken.events.length, 1);
  });
});

describe('when the router stops', () => {
  test('streams of usage end, and the drain waits for none of them', async () => {
    await using router = await startRouter({ timeouts: { drain: '1h' } }, ONCE);
    const all = await Promise.all(Array.from({ length: 10 }, () => Subscriber.of(router.port)));
    await router.app.drain();
    await eventually(() => all.every(({ end }) => end === 'complete'));
  });

  test('who does not read the end is cut off, and the others are not', async () => {
    await using server = await stage({ endMs: 20 });
    using reader = await server.subscribe();
    const { wire, reply } = await server.full(reader);
    using _ = wire;
    using other = await openWire(server.port);
    other.request(PATH);
    await eventually(() => server.stream.subscribers === 3);
    server.stream.close();
    await eventually(() => reply.gone);
    await eventually(() => reader.end === 'complete');
    assert.equal((await other.answer()).complete, true);
    other.request(PATH);
    assert.equal((await other.answer()).status, 503, 'on the same connection');
    wire.socket.resume();
    await wire.end();
    assert.equal(wire.received.includes('\r\n0\r\n\r\n'), false, 'it does not look complete');
  });

  test('nobody can subscribe any more', async () => {
    await using server = await stage();
    server.stream.close();
    using wire = await openWire(server.port);
    wire.request(PATH);
    assert.equal((await wire.answer()).status, 503);
    assert.equal(server.stream.subscribers, 0);
  });
});

test('an EventSource sees every change, and comes back when its router has gone', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
  await using stack = new AsyncDisposableStack();
  const first = await routerBefore([endpoint]);
  const next = stack.use(await routerBefore([endpoint]));
  let { url } = first;
  const seen: Json[] = [];
  const states: string[] = [];
  const source = new EventSource(first.url + PATH, { fetch: (_, init) => fetch(url + PATH, init) });
  stack.defer(() => source.close());
  source.addEventListener('message', ({ data }) => seen.push(JSON.parse(data)));
  source.addEventListener('open', () => states.push('open'));
  source.addEventListener('error', () => states.push('gone'));
  await eventually(() => seen.length === 1);
  assert.deepEqual([...seen], [NOTHING_SPENT]);
  await first.ask('/api/chat', ASK);
  await eventually(() => seen.at(-1).token_usage_counts[endpoint.url]?.['m:latest'] > 0);
  ({ url } = next);
  await first[Symbol.asyncDispose]();
  await eventually(() => states.join() === 'open,gone,open', 60_000);
  await eventually(() => JSON.stringify(seen.at(-1)) === JSON.stringify(NOTHING_SPENT));
});
