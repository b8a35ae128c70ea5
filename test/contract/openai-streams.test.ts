import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EndpointKind } from '../../src/domain/endpoint.ts';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import { routerBefore } from '../support/router.ts';
import { sse } from '../support/streams.ts';
import { headerIn, jsonOf, textOf } from '../support/wire.ts';

const CHAT = '/v1/chat/completions';

/** A record of one choice; `finish` as JSON. */
function chunk(text: string, finish = 'null', index = 0): string {
  return `{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":${index},"delta":{"content":"${text}"},"finish_reason":${finish}}]}`;
}

const event = (data: string) => `data: ${data}\n\n`;
const [A, STOP, DONE] = [event(chunk('a')), event(chunk('', '"stop"')), event('[DONE]')];

function lost(message: string): string {
  return event(JSON.stringify({ error: { message, type: 'server_error', param: null, code: 'upstream_lost' } }));
}
const EARLY = lost('the endpoint ended the answer early');

/** What a client gets of a stream with these bytes. */
async function through(kind: EndpointKind, said: string, fields: object = {}) {
  await using endpoint = await startSimulatedEndpoint({ kind, models: ['m'] });
  await using router = await routerBefore([endpoint]);
  endpoint.faults.add({ on: { method: 'POST' }, ...sse(said) });
  return await router.ask(CHAT, { body: { model: 'm', messages: [], stream: true, ...fields } });
}

describe('2.1 whatever the line ends and the shape of events, a complete stream passes as it is', () => {
  const SHAPES: readonly [name: string, said: string][] = [
    ['ends of lines as on Windows', (A + STOP + DONE).replaceAll('\n', '\r\n')],
    ['bare carriage returns', (A + STOP + DONE).replaceAll('\n', '\r')],
    ['no space behind the colon', (A + STOP + DONE).replaceAll('data: ', 'data:')],
    [
      'comments, names, ids and a retry between',
      `: ping\n\nevent: x\nid: 1\nretry: 5\n${A}:\n\n${STOP}: bye\n\n${DONE}`,
    ],
    [
      'data over several lines',
      `data: {"choices":[\ndata:{"delta":{"content":"a"},\ndata: "finish_reason":null}]}\n\n${STOP}${DONE}`,
    ],
    ['a finish before [DONE] that never comes', A + STOP],
    ['[DONE] alone at the end, as some servers have it', A + DONE],
    ['an error member that is null', event(chunk('a').replace('{', '{"error":null,')) + STOP + DONE],
    ['a space before the colon of the finish', A + event(chunk('', '"stop"').replace('on":"', 'on" : "')) + DONE],
  ];
  for (const [name, said] of SHAPES) {
    test(name, async () => {
      for (const kind of ['vllm', 'llama-server'] as const) {
        const answer = await through(kind, said);
        assert.deepEqual([answer.complete, textOf(answer)], [true, said]);
      }
    });
  }

  test('the last event need not have its blank line, and gets it', async () => {
    assert.equal(textOf(await through('openai', A + STOP + DONE.trimEnd())), A + STOP + DONE);
    assert.equal(textOf(await through('openai', A + STOP.trimEnd())), A + STOP);
  });
});

describe('2.1, 2.2 a stream that is not complete ends with an error and no [DONE]', () => {
  const HALVES: readonly [name: string, said: string, expected: string][] = [
    ['after some text', A, A + EARLY],
    ['in the middle of an event, which never arrives', `${A}data: {"choices":[{"ind`, A + EARLY],
    ['after nothing but comments', ': ping\n\n', `: ping\n\n${EARLY}`],
  ];
  for (const [name, said, expected] of HALVES) {
    for (const kind of ['ollama', 'llama-server', 'vllm', 'openai'] as const) {
      test(`${name}, on ${kind}`, async () => assert.equal(textOf(await through(kind, said)), expected));
    }
  }

  test('the empty record that Ollama makes of an error is no end', async () => {
    const swallowed = event(chunk('').replace('"model":"m"', '"model":""'));
    assert.equal(textOf(await through('ollama', A + swallowed)), A + swallowed + EARLY);
  });

  test('nothing at all is an error with a status', async () => {
    const answer = await through('openai', '');
    assert.deepEqual([answer.status, jsonOf(answer).error.code], [502, 'upstream_unreachable']);
  });

  for (const error of ['{"error":{"code":500,"message":"boom","type":"server_error"}}', '{"error":"boom"}']) {
    test(`${error} is the end: as it came, and neither [DONE] nor a second error behind it`, async () => {
      for (const behind of ['', DONE]) {
        const answer = await through('vllm', A + event(error) + behind);
        assert.equal(textOf(answer), A + event(error));
      }
    });
  }
});

describe('2.2 of several answers each must have its finish', () => {
  const [second, half] = [event(chunk('', '"length"', 1)), A + STOP];
  test('two of two are complete', async () => {
    for (const kind of ['vllm', 'openai', 'llama-server'] as const)
      assert.equal(textOf(await through(kind, half + second, { n: 2 })), half + second);
  });
  test('one of two is not', async () => assert.equal(textOf(await through('vllm', half, { n: 2 })), half + EARLY));
  test('Ollama, which ignores n, gives one', async () => {
    assert.equal(textOf(await through('ollama', half, { n: 2 })), half);
  });
});

describe('2.2, 1.3 records name the model as the client did, and keep every other byte', () => {
  const NAMED: readonly [name: string, said: string, expected: string][] = [
    ['in usual records', A + STOP + DONE, (A + STOP + DONE).replaceAll('"model":"m"', '"model":"m:latest"')],
    [
      'whatever the white space and the other lines of an event',
      `: c\nevent: x\r\ndata: { "model" : "m","x":1e400}\r\n\r\n${DONE}`,
      `: c\nevent: x\r\ndata: { "model" : "m:latest","x":1e400}\r\n\r\n${DONE}`,
    ],
    [
      'but not where they say another one',
      event('{"model":"m-2026","model_x":"m"}') + DONE,
      event('{"model":"m-2026","model_x":"m"}') + DONE,
    ],
    [
      'nor where a text says so',
      event('{"choices":[{"delta":{"content":"\\"model\\":\\"m\\""}}]}') + DONE,
      event('{"choices":[{"delta":{"content":"\\"model\\":\\"m\\""}}]}') + DONE,
    ],
  ];
  for (const [name, said, expected] of NAMED) {
    test(name, async () => {
      for (const kind of ['llama-server', 'vllm', 'openai'] as const)
        assert.equal(textOf(await through(kind, said, { model: 'm:latest' })), expected, kind);
    });
  }
});

test('2.2 a stream keeps the content type that the endpoint gave it, and is not to be held back', async () => {
  for (const kind of ['ollama', 'llama-server', 'vllm', 'openai'] as const) {
    await using endpoint = await startSimulatedEndpoint({ kind, models: ['m'] });
    await using router = await routerBefore([endpoint]);
    const answer = await router.ask(CHAT, {
      body: { model: 'm', messages: [{ role: 'user', content: 'x' }], stream: true },
    });
    assert.match(headerIn(answer, 'content-type') ?? '', /^text\/event-stream/);
    assert.match(headerIn(answer, 'cache-control') ?? '', /no-cache/);
    assert.ok(textOf(answer).endsWith(DONE), kind);
  }
});
