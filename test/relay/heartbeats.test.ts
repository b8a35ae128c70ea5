import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import type { EndpointKind } from '../../src/domain/endpoint.ts';
import { chat } from '../../src/protocols/ollama/operations.ts';
import { chatCompletions } from '../../src/protocols/openai/operations.ts';
import { WholePipe } from '../../src/protocols/whole-pipe.ts';
import { copyAnswer } from '../../src/relay/copy.ts';
import { Heartbeats } from '../../src/relay/heartbeats.ts';
import type { Reply } from '../../src/relay/reply.ts';
import type { AnswerSink } from '../../src/upstream/client.ts';
import { ONCE, startRouter } from '../support/router.ts';
import { type Peer, ScriptedServer } from '../support/scripted-server.ts';
import { NDJSON, SSE, WHOLE_CHAT, WHOLE_COMPLETION } from '../support/streams.ts';
import { headerIn, type Json, jsonOf, textOf, type Wire } from '../support/wire.ts';

const CHAT = '/api/chat';
const COMPLETION = '/v1/chat/completions';
const MESSAGES = [{ role: 'user', content: 'x' }];
const COMMENT = ': nomyo waiting\n\n';
const EMPTY = /\{"model":"m","created_at":"[^"]+","message":\{"role":"assistant","content":""\},"done":false\}\n/g;

/** What an endpoint does with a request for an answer. */
type Answering = (peer: Peer) => void | Promise<void>;

const http = (type: string, body: string, status = '200 OK') =>
  `HTTP/1.1 ${status}\r\nContent-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${Buffer.from(body).toString('latin1')}`;
const json = (body: string, status?: string) => http('application/json', body, status);
const streamHead = (type: string) => `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nConnection: close\r\n\r\n`;
const STREAMS = { openai: ['text/event-stream', SSE], ollama: ['application/x-ndjson', NDJSON] } as const;
type Kind = keyof typeof STREAMS;

const LISTS: Readonly<Record<string, string>> = {
  '/v1/models': '{"object":"list","data":[{"id":"m","object":"model"}]}',
  '/api/version': '{"version":"0.30.0"}',
  '/api/tags': '{"models":[{"name":"m:latest","model":"m:latest"}]}',
  '/api/ps': '{"models":[{"name":"m:latest","model":"m:latest"}]}',
};

/** An endpoint that lists the model `m` and answers as it is told. */
function endpoint(answering: Answering): Promise<ScriptedServer> {
  return ScriptedServer.start(async (peer) => {
    for (;;) {
      const { head } = await peer.request();
      const [, path = ''] = head.split(' ');
      if (head.startsWith('POST')) await answering(peer);
      else await peer.write(json(LISTS[path] ?? '{}'));
    }
  });
}

function routerBefore(servers: readonly [ScriptedServer, EndpointKind][], heartbeat: string | number = '20ms') {
  const endpoints = servers.map(([{ url }, kind]) => ({ url, kind }));
  return startRouter({ endpoints, timeouts: { heartbeat } }, ONCE);
}

/** The first request for an answer, at whichever endpoint, is met by the first of these, and so on. */
function inTurn(...turns: readonly Answering[]): Answering {
  let count = 0;
  return (peer) => turns[count++]?.(peer);
}

/** A promise that somebody else keeps. */
function signal(): { readonly given: Promise<void>; give(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { given: promise, give: resolve };
}

const beatsIn = (text: string) => text.split(COMMENT).length - 1 + (text.match(EMPTY)?.length ?? 0);
const untilBeats = (wire: Wire, count: number) => wire.until(() => beatsIn(wire.received.toString('utf8')) >= count);
const withoutBeats = (text: string) => text.replaceAll(COMMENT, '').replace(EMPTY, '');

for (const [path, kind] of [
  [COMPLETION, 'openai'],
  [CHAT, 'ollama'],
  [CHAT, 'openai'],
] as const) {
  describe(`a stream of ${path} from ${kind}`, () => {
    const [type, stream] = STREAMS[kind];
    const verbatim = path === COMPLETION || kind === 'ollama';

    test('has signs of life while the endpoint is silent, and then its answer', async () => {
      const alive = signal();
      await using server = await endpoint(async (peer) => {
        await alive.given;
        await peer.write(streamHead(type) + Buffer.from(stream).toString('latin1'));
        peer.end();
      });
      await using router = await routerBefore([[server, kind]]);
      using wire = await router.open();
      wire.request(path, { body: { model: 'm', messages: MESSAGES, stream: true } });
      await untilBeats(wire, 3);
      alive.give();
      const answer = await wire.answer();
      assert.deepEqual([answer.status, answer.complete], [200, true]);
      assert.equal(headerIn(answer, 'content-type'), path === CHAT ? 'application/x-ndjson' : 'text/event-stream');
      assert.equal(headerIn(answer, 'x-accel-buffering'), 'no');
      assert.ok(headerIn(answer, 'x-request-id'));
      if (verbatim) assert.equal(withoutBeats(textOf(answer)), stream);
      else assert.match(textOf(answer), /Grüße 😀.*\n.*"done":true/);
      assert.doesNotMatch(textOf(answer), /\n\n\n|"error"/);
      for (const piece of answer.pieces) assert.match(piece.toString('utf8'), /\n$/, 'whole lines');
      await router.idle();
    });

    test('has them between its records, and never in one', async () => {
      const half = Buffer.byteLength(stream.slice(0, stream.indexOf('\n', stream.indexOf('\n') + 2) + 20));
      const alive = signal();
      await using server = await endpoint(async (peer) => {
        await peer.write(Buffer.concat([Buffer.from(streamHead(type)), Buffer.from(stream).subarray(0, half)]));
        await alive.given;
        await peer.write(Buffer.from(stream).subarray(half));
        peer.end();
      });
      await using router = await routerBefore([[server, kind]]);
      using wire = await router.open();
      wire.request(path, { body: { model: 'm', messages: MESSAGES, stream: true } });
      await untilBeats(wire, 2);
      alive.give();
      const text = textOf(await wire.answer());
      if (verbatim) assert.equal(withoutBeats(text), stream);
      for (const line of text.split('\n').filter((one) => one !== '' && !one.startsWith(':') && one !== 'data: [DONE]'))
        assert.doesNotThrow(() => JSON.parse(line.replace(/^data: /, '')), line);
    });

    test('comes from another endpoint where the first one fails after signs of life', async () => {
      const alive = signal();
      const answering = inTurn(
        (peer) => peer.reset(),
        (peer) => peer.write(json('{"error":"busy"}', '503 Busy')),
        async (peer) => {
          await peer.write(streamHead(type) + Buffer.from(stream).toString('latin1'));
          peer.end();
        },
      );
      const each = async (peer: Peer) => {
        await alive.given;
        await answering(peer);
      };
      await using one = await endpoint(each);
      await using two = await endpoint(each);
      await using three = await endpoint(each);
      await using router = await routerBefore([
        [one, kind],
        [two, kind],
        [three, kind],
      ]);
      using wire = await router.open();
      wire.request(path, { body: { model: 'm', messages: MESSAGES, stream: true } });
      await untilBeats(wire, 1);
      alive.give();
      const text = textOf(await wire.answer());
      assert.doesNotMatch(text, /"error"/);
      if (verbatim) assert.equal(withoutBeats(text), stream);
      else assert.match(text, /"done":true/);
    });

    test('ends with an error after signs of life, and not as if it were complete', async () => {
      for (const [fail, said] of [
        [(peer: Peer) => peer.write(json('{"error":{"message":"out of memory"}}', '500 Error')), /out of memory/],
        [(peer: Peer) => peer.reset(), /no endpoint could serve 'm': \S+ /],
        [(peer: Peer) => peer.write(json('{"error":{"message":"key sk-1"}}', '401 No')), /credentials/],
      ] as const) {
        const alive = signal();
        await using server = await endpoint(async (peer) => {
          await alive.given;
          await fail(peer);
        });
        await using router = await routerBefore([[server, kind]]);
        using wire = await router.open();
        wire.request(path, { body: { model: 'm', messages: MESSAGES, stream: true } });
        await untilBeats(wire, 1);
        alive.give();
        const answer = await wire.answer();
        assert.deepEqual([answer.status, answer.complete], [200, true]);
        const last = withoutBeats(textOf(answer));
        const { error }: Json = JSON.parse(last.replace(/^data: /, ''));
        assert.match(path === CHAT ? error : error.message, said);
        assert.match(last, path === CHAT ? /^[^\n]+\n$/ : /^data: [^\n]+\n\n$/, 'one record and nothing behind it');
        await router.idle();
      }
    });

    test('has none where the operator wants none, nor has a whole answer ever', async () => {
      const alive = signal();
      await using server = await endpoint(async (peer) => {
        await alive.given;
        const whole = kind === 'ollama' ? WHOLE_CHAT : WHOLE_COMPLETION;
        await peer.write(json(whole));
      });
      await using router = await routerBefore([[server, kind]]);
      await using silent = await routerBefore([[server, kind]], 0);
      using witness = await router.open();
      witness.request(path, { body: { model: 'm', messages: MESSAGES, stream: true } });
      using whole = await router.open();
      whole.request(path, { body: { model: 'm', messages: MESSAGES, stream: false } });
      using off = await silent.open();
      off.request(path, { body: { model: 'm', messages: MESSAGES, stream: true } });
      await untilBeats(witness, 3);
      assert.deepEqual([whole.received.length, off.received.length], [0, 0]);
      alive.give();
      const answer = await whole.answer();
      assert.equal(answer.status, 200);
      assert.doesNotMatch(textOf(answer), /nomyo/);
      assert.equal(jsonOf(answer).model, 'm');
      await off.answer();
    });
  });
}

test('before the first sign of life a failure has its own status', async () => {
  await using server = await endpoint((peer) => peer.write(json('{"error":{"message":"no"}}', '418 Teapot')));
  await using router = await routerBefore([[server, 'openai']], '1h');
  for (const path of [CHAT, COMPLETION])
    assert.equal((await router.ask(path, { body: { model: 'm', messages: MESSAGES, stream: true } })).status, 418);
});

test('an endpoint that does not stream is no reason to be silent while the next one is', async () => {
  const [first, second, reached] = [signal(), signal(), signal()];
  const answering = inTurn(
    async (peer) => {
      await first.given;
      await peer.write(json(WHOLE_COMPLETION));
    },
    async (peer) => {
      reached.give();
      await second.given;
      await peer.write(streamHead('text/event-stream') + Buffer.from(SSE).toString('latin1'));
      peer.end();
    },
  );
  await using one = await endpoint(answering);
  await using two = await endpoint(answering);
  await using router = await routerBefore([
    [one, 'openai'],
    [two, 'openai'],
  ]);
  using wire = await router.open();
  wire.request(COMPLETION, { body: { model: 'm', messages: MESSAGES, stream: true } });
  await untilBeats(wire, 1);
  first.give();
  await reached.given;
  await untilBeats(wire, beatsIn(wire.received.toString('utf8')) + 2);
  second.give();
  assert.equal(withoutBeats(textOf(await wire.answer())), SSE);
});

describe('clients take signs of life for no part of the answer:', () => {
  /** A `fetch` that tells when the first sign of life has come. */
  function watching(alive: { give(): void }): typeof fetch {
    return async (input, init) => {
      const response = await fetch(input, init);
      const [seen, passed] = response.body?.tee() ?? [];
      void (async () => {
        let text = '';
        for await (const bytes of seen ?? []) {
          text += Buffer.from(bytes).toString('utf8');
          if (beatsIn(text) > 0) alive.give();
        }
      })().catch(() => {});
      return new Response(passed, response);
    };
  }

  const answering =
    (kind: Kind, alive: { given: Promise<void> }, fails: boolean): Answering =>
    async (peer) => {
      await alive.given;
      const [type, stream] = STREAMS[kind];
      await peer.write(
        fails
          ? json('{"error":{"message":"out of memory"}}', '500 Error')
          : streamHead(type) + Buffer.from(stream).toString('latin1'),
      );
      peer.end();
    };

  for (const fails of [false, true]) {
    test(`openai ${fails ? 'throws the error that follows' : 'reads the answer'}`, async () => {
      const alive = signal();
      await using server = await endpoint(answering('openai', alive, fails));
      await using router = await routerBefore([[server, 'openai']]);
      const client = new OpenAI({ baseURL: `${router.url}/v1`, apiKey: 'x', fetch: watching(alive), maxRetries: 0 });
      const read = async () => {
        let text = '';
        const stream = await client.chat.completions.create({
          model: 'm',
          stream: true,
          messages: [{ role: 'user', content: 'x' }],
        });
        for await (const { choices } of stream) text += choices[0]?.delta.content ?? '';
        return text;
      };
      if (fails) await assert.rejects(read, /out of memory/);
      else assert.equal(await read(), 'Grüße 😀');
    });

    for (const kind of ['ollama', 'openai'] as const) {
      test(`ollama-js ${fails ? 'throws the error that follows' : 'reads the answer'}, from ${kind}`, async () => {
        const alive = signal();
        await using server = await endpoint(answering(kind, alive, fails));
        await using router = await routerBefore([[server, kind]]);
        const client = new Ollama({ host: router.url, fetch: watching(alive) });
        const read = async () => {
          let text = '';
          for await (const { message } of await client.chat({ model: 'm', stream: true, messages: MESSAGES }))
            text += message.content;
          return text;
        };
        if (fails) await assert.rejects(read, /out of memory/);
        else assert.match(await read(), /^Grüße 😀/);
      });
    }
  }
});

/** A client's side that keeps what it is sent; time is the test's. */
class Told implements Reply {
  readonly sent: string[] = [];
  started = false;
  spoken = false;
  gone = false;
  cancelled = false;
  isFull = false;
  isWhole = false;
  answeredBy: readonly string[] = [];
  writes = 0;
  note(): void {}
  start(status: number, _headers: readonly string[], length?: number): void {
    this.started = true;
    this.sent.push(`${status} ${length ?? ''}`.trim());
  }
  write(bytes: Buffer): boolean {
    this.spoken = true;
    this.writes++;
    this.sent.push(bytes.toString());
    return true;
  }
  beat(): void {
    this.writes++;
    this.sent.push('beat');
  }
  end(bytes?: Buffer): void {
    this.spoken = true;
    this.sent.push(bytes?.toString() ?? '');
  }
  cut(): void {}
  onceDrained(): void {}
  onGone(): void {}
}

const streaming = (stream = true) =>
  chatCompletions.decode(Buffer.from(JSON.stringify({ model: 'm', messages: [], stream })));

describe('a sign of life', () => {
  const EVERY = 1_000;
  /** A watched reply in a time that stands still until it is moved on. */
  function watched(t: TestContext, call = streaming()) {
    t.mock.timers.enable({ apis: ['setInterval'] });
    const reply = new Told();
    const beats = new Heartbeats(EVERY);
    const watch = beats.watch(call, reply);
    return { reply, beats, watch, pass: (ms: number) => t.mock.timers.tick(ms) };
  }

  test('is given once an interval of silence, the first with the head', (t) => {
    const { reply, pass } = watched(t);
    pass(EVERY - 1);
    assert.deepEqual(reply.sent, []);
    pass(EVERY);
    assert.deepEqual(reply.sent, ['200', 'beat']);
    pass(3 * EVERY);
    assert.deepEqual(reply.sent, ['200', 'beat', 'beat', 'beat', 'beat']);
  });

  test('is not given while the endpoint speaks', (t) => {
    const { reply, pass } = watched(t);
    reply.start(200, []);
    for (let i = 0; i < 10; i++) {
      reply.write(Buffer.from('x'));
      pass(EVERY - 1);
    }
    assert.doesNotMatch(reply.sent.join(), /beat/);
    pass(EVERY);
    assert.match(reply.sent.join(), /beat/);
  });

  test('is not given to who left, reads nothing, or gets one whole answer, nor after the watch', (t) => {
    for (const state of ['gone', 'isFull', 'isWhole'] as const) {
      const { reply, pass, watch } = watched(t);
      reply[state] = true;
      pass(5 * EVERY);
      assert.deepEqual(reply.sent, [], state);
      reply[state] = false;
      pass(2 * EVERY);
      assert.notDeepEqual(reply.sent, [], 'until that is over');
      const { length } = reply.sent;
      watch[Symbol.dispose]();
      pass(9 * EVERY);
      assert.equal(reply.sent.length, length);
      t.mock.timers.reset();
    }
  });

  test('is not given for an answer that is none of a stream, nor where there are none', (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    const reply = new Told();
    const load = chat.decode(Buffer.from('{"model":"m","messages":[],"stream":false}'));
    new Heartbeats(EVERY).watch(streaming(false), reply);
    new Heartbeats(EVERY).watch(load, reply);
    new Heartbeats(0).watch(streaming(), reply);
    t.mock.timers.tick(9 * EVERY);
    assert.deepEqual(reply.sent, []);
  });

  test('is not put into a whole answer that is on its way, though a stream was asked for', async (t) => {
    const { reply, pass } = watched(t);
    const sinks: AnswerSink[] = [];
    const answer = {
      status: 200,
      headers: [],
      read: (sink: AnswerSink) => void sinks.push(sink),
      pause() {},
      resume() {},
    };
    const copied = copyAnswer(answer, WholePipe.opaque(), reply, {});
    sinks[0]?.data(Buffer.from('{"a":'));
    pass(5 * EVERY);
    sinks[0]?.data(Buffer.from('1}'));
    sinks[0]?.end();
    await copied;
    assert.deepEqual(reply.sent, ['200 7', '{"a":1}']);
  });

  test('needs one timer for all streams, and none when they are over', (t) => {
    const open = new Set<unknown>();
    t.mock.method(globalThis, 'setInterval', () => {
      const timer = { unref: () => timer };
      open.add(timer);
      return timer;
    });
    t.mock.method(globalThis, 'clearInterval', (timer: unknown) => void open.delete(timer));
    const beats = new Heartbeats(EVERY);
    const watches = [1, 2, 3].map(() => beats.watch(streaming(), new Told()));
    assert.equal(open.size, 1);
    for (const watch of watches) watch[Symbol.dispose]();
    assert.equal(open.size, 0);
    beats.watch(streaming(), new Told())[Symbol.dispose]();
    watches[0]?.[Symbol.dispose]();
    assert.equal(open.size, 0);
  });
});
