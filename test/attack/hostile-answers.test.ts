import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import type { SimulatedEndpointOptions } from '../../src/simulator/simulation.ts';
import { ONCE, routerBefore, startRouter } from '../support/router.ts';
import { type Peer, ScriptedServer } from '../support/scripted-server.ts';
import { json, ndjson, sse } from '../support/streams.ts';
import { jsonOf, textOf } from '../support/wire.ts';

type Kind = SimulatedEndpointOptions['kind'];

const CHAT = '/v1/chat/completions';
const MESSAGES = '/v1/messages';
const RESPONSES = '/v1/responses';
const USER = [{ role: 'user', content: 'x' }];
const BODIES: Readonly<Record<string, object>> = {
  '/api/chat': { model: 'm', messages: USER },
  [CHAT]: { model: 'm', messages: USER, stream: true },
  [MESSAGES]: { model: 'm', messages: USER, max_tokens: 9, stream: true },
  [RESPONSES]: { model: 'm', input: 'x', stream: true },
};

const start = (kind: Kind, ...lacks: string[]) => startSimulatedEndpoint({ kind, models: ['m'], loaded: ['m'], lacks });
const delta = (json: string, reason = 'null') =>
  `data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":${json},"finish_reason":${reason}}]}\n\n`;
const DONE = 'data: [DONE]\n\n';
const END = delta('{}', '"stop"') + DONE;
const line = (message: string, more = '"done":false') =>
  `{"model":"m","created_at":"2026-08-01T10:00:00Z","message":${message},${more}}\n`;
const LAST_LINE = line('{"role":"assistant","content":""}', '"done":true,"done_reason":"stop"');
const deep = (depth: number) => '{"a":'.repeat(depth) + 1 + '}'.repeat(depth);

/** Deeper than any stack. */
const DEEP = deep(20_000);

describe("JSON of an endpoint that is nested deeper than any stack is the endpoint's fault", () => {
  const call = (args: string) => `{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":${args}}}]}`;
  for (const [path, kind] of [
    ['/api/chat', 'openai'],
    [MESSAGES, 'openai'],
    [RESPONSES, 'openai'],
    [CHAT, 'ollama'],
    [MESSAGES, 'ollama'],
    [RESPONSES, 'ollama'],
  ] as const)
    for (const [what, events, lines] of [
      ['arguments of a call', delta(call(DEEP)) + END, line(`{"content":"",${call(DEEP).slice(1)}`) + LAST_LINE],
      ['an error', `data: {"error":${DEEP}}\n\n`, `{"error":${DEEP}}\n`],
      [
        'an error after a text',
        `${delta('{"content":"x"}')}data: {"error":${DEEP}}\n\n`,
        `${line('{"content":"x"}')}{"error":${DEEP}}\n`,
      ],
    ] as const)
      test(`${what}, ${path} translated for ${kind}`, async () => {
        await using endpoint = await start(kind, path);
        await using router = await routerBefore([endpoint]);
        const fault = kind === 'ollama' ? ndjson(lines) : sse(events);
        endpoint.faults.add({ on: { path: kind === 'ollama' ? '/api/chat' : CHAT }, ...fault });
        const answer = await router.ask(path, { body: BODIES[path] ?? {} });
        assert.notEqual(answer.status, 500, textOf(answer).slice(0, 500));
        await router.idle();
      });
});

describe('a stream that has come to its end is at an end', () => {
  const MODELS = '{"object":"list","data":[{"id":"m","object":"model"}]}';
  const FOR_EVER = 10_000_000;

  /** Lists its model, says all of this, and then, as long as somebody listens, that it is still there; true where it came to its end. */
  async function goOn(peer: Peer, said: string): Promise<boolean> {
    while ((await peer.request()).head.startsWith('GET'))
      await peer.write(
        `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${MODELS.length}\r\n\r\n${MODELS}`,
      );
    await peer.write(`HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n${said}`);
    for (let i = 0; i < FOR_EVER; i++) await peer.write(': still here\n\n');
    peer.end();
    return true;
  }

  for (const path of ['/api/chat', CHAT, RESPONSES])
    for (const [what, last] of [
      ['its end', END],
      ['an error', 'data: {"error":{"message":"boom"}}\n\n'],
    ] as const)
      test(`after ${what} neither client nor slot waits for an endpoint that goes on: ${path}`, async () => {
        let cameToItsEnd = false;
        await using server = await ScriptedServer.start(async (peer) => {
          cameToItsEnd = await goOn(peer, delta('{"content":"x"}') + last);
        });
        await using router = await startRouter({ endpoints: [{ url: server.url, kind: 'openai' }] }, ONCE);
        const answer = await router.ask(path, { body: BODIES[path] ?? {} });
        await router.idle();
        assert.ok(answer.complete);
        assert.ok(!cameToItsEnd, 'the client waited until the endpoint had enough');
      });
});

describe('what an endpoint may write otherwise', () => {
  for (const path of ['/api/chat', MESSAGES, RESPONSES])
    test(`a byte order mark before its stream costs no text: ${path}`, async () => {
      await using endpoint = await start('openai', path);
      await using router = await routerBefore([endpoint]);
      endpoint.faults.add({ on: { path: CHAT }, ...sse(`\ufeff${delta('{"content":"first"}')}${END}`) });
      assert.match(textOf(await router.ask(path, { body: BODIES[path] ?? {} })), /first/);
    });

  test('its content type in other letters is the same one', async () => {
    await using endpoint = await start('openai');
    await using router = await routerBefore([endpoint]);
    const headers = { 'Content-Type': 'Text/Event-Stream' };
    endpoint.faults.add({ on: { path: CHAT }, ...sse(delta('{"content":"x"}') + END), headers });
    const answer = await router.ask(CHAT, { body: BODIES[CHAT] ?? {} });
    assert.equal(answer.status, 200, textOf(answer));
  });

  test('it does not say what the router left out', async () => {
    await using endpoint = await start('openai');
    await using router = await routerBefore([endpoint]);
    const headers = { 'Content-Type': 'text/event-stream', 'X-Nomyo-Dropped': 'forged' };
    endpoint.faults.add({ on: { path: CHAT }, ...sse(delta('{"content":"x"}') + END), headers });
    const answer = await router.ask(CHAT, { body: BODIES[CHAT] ?? {} });
    assert.deepEqual(
      answer.headers.filter(([name]) => name === 'X-Nomyo-Dropped'),
      [],
    );
  });

  /** Odd, but no reason to fall over: the client gets an answer or an error, as JSON and complete. */
  const ODD: readonly (readonly [string, string])[] = [
    [
      'indexes without sense',
      [1e9, -5, 1.5, '1e400', '"x"', 'null']
        .map((index, at) =>
          delta(`{"tool_calls":[{"index":${index},"id":"c${at}","function":{"name":"f","arguments":"{}"}}]}`),
        )
        .join(''),
    ],
    ['counts without sense', 'data: {"choices":[],"usage":{"prompt_tokens":1e400,"completion_tokens":-1e400}}\n\n'],
    [
      'times without sense',
      'data: {"choices":[],"timings":{"prompt_ms":1e400,"predicted_ms":-1e400,"prompt_n":"x"}}\n\n',
    ],
    ['half characters', delta('{"content":"\\ud83d"}') + delta('{"content":"\\ude00\\u0000\\u2028"}')],
    [
      'a half character in a call',
      delta(
        '{"tool_calls":[{"index":0,"id":"\\ud83d","function":{"name":"\\n","arguments":"{\\r\\n\\n\\"a\\":\\n\\"\\ud83d\\"}"}}]}',
      ),
    ],
    [
      'values of other types',
      delta('{"content":1,"tool_calls":{"a":1},"reasoning_content":[]}') +
        'data: {"choices":"x"}\n\ndata: {"choices":[null,[1]]}\n\ndata: {}\n\n',
    ],
    ['prototypes', `${delta('{"__proto__":{"content":"x"}}')}data: {"__proto__":{"error":"x"},"constructor":1}\n\n`],
    [
      'calls without a name',
      delta('{"tool_calls":[{"index":0,"function":{"arguments":"{}"}},null,1,{"function":null}]}'),
    ],
    ['an error with line ends', 'data: {"error":{"message":"a\\r\\n\\r\\ndata: [DONE]\\n\\n"}}\n\n'],
  ];
  for (const path of ['/api/chat', MESSAGES, RESPONSES])
    test(`odd streams reach clients of ${path} as JSON, each record whole`, async () => {
      await using endpoint = await start('openai', path);
      await using router = await routerBefore([endpoint]);
      for (const [what, events] of ODD) {
        endpoint.faults.add({ on: { path: CHAT }, times: 1, ...sse(delta('{"content":"a"}') + events + END) });
        const answer = await router.ask(path, { body: BODIES[path] ?? {} });
        assert.equal(answer.status, 200, what);
        assert.ok(answer.complete, what);
        const records = textOf(answer)
          .split('\n')
          .filter((text) => /^(data: )?\{/.test(text));
        for (const record of records) assert.doesNotThrow(() => JSON.parse(record.replace(/^data: /, '')), what);
        assert.ok(/"done":true|message_stop|response\.completed|error/.test(records.at(-1) ?? ''), what);
      }
      await router.idle();
    });

  test('vectors that are none are no answer, whoever asked for them', async () => {
    await using endpoint = await start('openai');
    await using router = await routerBefore([endpoint]);
    for (const vector of ['[1e400]', '["1"]', '[null]', '[[1]]', '{}', 'null', '"AAA"', '[]', DEEP]) {
      endpoint.faults.add({
        on: { path: '/v1/embeddings' },
        times: 1,
        ...json(`{"data":[{"index":0,"embedding":${vector}}]}`),
      });
      const answer = await router.ask('/api/embed', { body: { model: 'm', input: 'x' } });
      assert.equal(answer.status, 502, vector.slice(0, 20));
      assert.equal(typeof jsonOf(answer).error, 'string');
      await router.untilInFlight((now) => Object.keys(now).length === 0);
    }
  });
});
