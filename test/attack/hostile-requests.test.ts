import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import type { SimulatedEndpoint, SimulatedEndpointOptions } from '../../src/simulator/simulation.ts';
import { asked } from '../support/records.ts';
import { routerBefore } from '../support/router.ts';
import { json, sse, WHOLE_COMPLETION } from '../support/streams.ts';
import { headerIn, type Json, jsonOf, textOf } from '../support/wire.ts';

type Kind = SimulatedEndpointOptions['kind'];

const CHAT = '/v1/chat/completions';
const RESPONSES = '/v1/responses';
const MESSAGES = '/v1/messages';

const start = (kind: Kind, ...lacks: string[]) => startSimulatedEndpoint({ kind, models: ['m'], loaded: ['m'], lacks });

const USER = '"role":"user","content":"x"';

describe('the memory that a request takes', () => {
  test('does not grow with the prompts times all that stands beside them', async () => {
    await using endpoint = await start('ollama');
    await using router = await routerBefore([endpoint]);
    endpoint.faults.add({ on: { path: '/v1/completions' }, hang: true });
    const before = process.memoryUsage().arrayBuffers;
    const body = `{"model":"m","user":"${'u'.repeat(2 ** 20)}","prompt":[${Array.from({ length: 300 }, () => '"a"').join(',')}]}`;
    using wire = await router.open();
    wire.request('/v1/completions', { body });
    await endpoint.waitFor(() => asked(endpoint).length === 1);
    const grown = process.memoryUsage().arrayBuffers - before;
    assert.ok(grown < 100 * 2 ** 20, `${Math.round(grown / 2 ** 20)} MiB for a body of 1 MiB`);
    wire.leave();
    await router.idle();
  });
});

describe('what a client writes does not spoil what it is answered', () => {
  /** The scanner does not look behind the 64th character of a string. */
  const long = 'x'.repeat(80);
  for (const [what, value] of [
    ['a tab', `"${long}\t"`],
    ['an invalid escape', `"${long}\\q"`],
  ])
    for (const field of ['instructions', 'user', 'prompt_cache_key', 'metadata'])
      test(`${what} in ${field} of ${RESPONSES}: refused, or answered with JSON`, async () => {
        await using endpoint = await start('openai', RESPONSES);
        await using router = await routerBefore([endpoint]);
        const json = field === 'metadata' ? `{"a":${value}}` : value;
        const answer = await router.ask(RESPONSES, { body: `{"model":"m","input":"x","${field}":${json}}` });
        assert.doesNotThrow(() => jsonOf(answer), textOf(answer).slice(0, 2000));
        assert.notEqual(answer.status, 500);
        await router.idle();
      });

  for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty'])
    test(`an option called ${name} is told as left out like any other`, async () => {
      await using endpoint = await start('openai');
      await using router = await routerBefore([endpoint]);
      const body = `{"model":"m","messages":[{${USER}}],"options":{"${name}":1}}`;
      const answer = await router.ask('/api/chat', { body });
      assert.equal(headerIn(answer, 'x-nomyo-dropped'), `options.${name}`);
    });

  for (const [kind, path, member] of [
    ['openai', '/api/chat', (name: string) => `{"model":"m","messages":[{${USER}}],${name}:1}`],
    ['ollama', CHAT, (name: string) => `{"model":"m","messages":[{${USER},${name}:1}]}`],
  ] as const)
    test(`no name of a field of ${path} makes a header, or a second one`, async () => {
      await using endpoint = await start(kind, path);
      await using router = await routerBefore([endpoint]);
      for (const name of ['a\r\nX-Evil: 1', '\0', 'ü\u{1f600}', 'a, b', 'x'.repeat(100_000), '\u2028', '__proto__']) {
        const answer = await router.ask(path, { body: member(JSON.stringify(name)) });
        assert.equal(answer.status, 200);
        assert.match(headerIn(answer, 'x-nomyo-dropped') ?? '', /^[\w.[\]?-]{1,64}$/);
        assert.equal(headerIn(answer, 'x-evil'), undefined);
      }
    });

  for (const n of ['0', '-1'])
    test(`a stream with n: ${n} that is cut off does not end as a whole one does`, async () => {
      await using endpoint = await start('llama-server');
      await using router = await routerBefore([endpoint]);
      endpoint.faults.add({
        on: { path: CHAT },
        ...sse('data: {"choices":[{"index":0,"delta":{"content":"x"}}]}\n\n'),
      });
      const body = `{"model":"m","stream":true,"n":${n},"messages":[{${USER}}]}`;
      const answer = await router.ask(CHAT, { body });
      assert.ok(answer.status === 400 || !answer.complete || textOf(answer).includes('"error"'), textOf(answer));
    });
});

describe('4.10 addresses that llama-server and vLLM would fetch', () => {
  const HOST = 'inside.test';
  const reached = (endpoint: SimulatedEndpoint) => asked(endpoint).some(({ body }) => body.includes(HOST));
  const url = (address: string) => `{"type":"image_url","image_url":{"url":${JSON.stringify(address)}}}`;
  const DISGUISES = [
    ...[`http://${HOST}`, ` http://${HOST}`, `\thttp://${HOST}`, `HTTP://${HOST}`, `h\nttp://${HOST}`, `//${HOST}/a`],
    ...[`file:///${HOST}`, `FILE:///${HOST}`, `ftp://${HOST}`, `s3://${HOST}`, `\u00a0http://${HOST}`, `/etc/${HOST}`],
    ...[`\ufeffhttp://${HOST}`, `http:\\\\${HOST}`, `data:image/svg+xml,${HOST}`, HOST, `../${HOST}`, `https:${HOST}`],
  ];
  const WAYS: readonly (readonly [string, (part: string) => string])[] = [
    [CHAT, (part) => `{"model":"m","messages":[{"role":"user","content":[${part}]}]}`],
    [CHAT, (part) => `{"model":"m","messages":[],"messages":[{"role":"tool","content":[[${part}]]}]}`],
    [MESSAGES, (part) => `{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[${part}]}]}`],
    [RESPONSES, (part) => `{"model":"m","input":[{"role":"user","content":[${part}]}]}`],
    [RESPONSES, (part) => `{"model":"m","input":[{"type":"function_call_output","call_id":"a","output":[${part}]}]}`],
    ['/v1/embeddings', (part) => `{"model":"m","input":"x","messages":[{"role":"user","content":[${part}]}]}`],
    ['/v1/rerank', (part) => `{"model":"m","query":{"content":[${part}]},"documents":["x"]}`],
    ['/v1/rerank', (part) => `{"model":"m","query":"x","documents":[{"text":"x","content":[${part}]}]}`],
  ];
  const SPELLINGS: readonly ((address: string) => string)[] = [
    url,
    (address) => `{"image\\u005furl":{"\\u0075rl":${JSON.stringify(address)}}}`,
    (address) => `{"type":"input_image","image_url":${JSON.stringify(address)}}`,
    (address) => `{"image_url":{"url":"data:,","url":${JSON.stringify(address)}}}`,
    (address) => `{"type":"image","source":{"type":"url","url":${JSON.stringify(address)}}}`,
    (address) => `{"type":"video_url","video_url":{"url":${JSON.stringify(address)}}}`,
  ];

  for (const kind of ['llama-server', 'vllm'] as const)
    for (const lacks of [[], [MESSAGES, RESPONSES]])
      test(`reach no ${kind}${lacks.length > 0 ? ' that lacks routes' : ''}, however they are written`, async () => {
        await using endpoint = await start(kind, ...lacks);
        await using router = await routerBefore([endpoint]);
        for (const [at, address] of DISGUISES.entries())
          for (const [way, [path, body]] of WAYS.entries()) {
            const spell = SPELLINGS[(at + way) % SPELLINGS.length] ?? url;
            const { status } = await router.ask(path, { body: body(spell(address)) });
            assert.ok(status >= 400 && status !== 500, `${status} for ${body(spell(address))}`);
            assert.ok(!reached(endpoint), body(spell(address)));
          }
        await router.idle();
      });

  for (const [field, path, body] of [
    ['system', MESSAGES, `{"model":"m","max_tokens":1,"system":[${url(`http://${HOST}`)}],"messages":[{${USER}}]}`],
    ['instructions', RESPONSES, `{"model":"m","input":"x","instructions":[${url(`http://${HOST}`)}]}`],
  ] as const)
    test(`are looked for in ${field} of ${path}, too`, async () => {
      await using endpoint = await start('vllm');
      await using router = await routerBefore([endpoint]);
      await router.ask(path, { body });
      assert.ok(!reached(endpoint));
    });

  test('are not hidden by 256 letters of base64 before them', async () => {
    await using endpoint = await start('llama-server');
    await using router = await routerBefore([endpoint]);
    for (const address of [`http${'A'.repeat(300)}://${HOST}`, `${'/a'.repeat(140)}/../../${HOST}`])
      await router.ask(CHAT, { body: `{"model":"m","messages":[{"role":"user","content":[${url(address)}]}]}` });
    assert.ok(!reached(endpoint));
  });
});

describe('a value of the wrong type', () => {
  const VALUES = [
    'true',
    '-1',
    '1.5',
    '1e400',
    '"abc"',
    '""',
    '[]',
    '[1]',
    '[null]',
    '[{}]',
    '{}',
    '{"a":1}',
    '{"type":1}',
  ];
  const FIELDS: Readonly<Record<string, { readonly body: string; readonly fields: readonly string[] }>> = {
    '/api/chat': {
      body: `"messages":[{${USER}}],"stream":false`,
      fields: ['messages', 'tools', 'format', 'options', 'think', 'keep_alive', 'logprobs', 'top_logprobs', 'truncate'],
    },
    [RESPONSES]: {
      body: '"input":"x"',
      fields: [
        ...['input', 'instructions', 'max_output_tokens', 'temperature', 'tools', 'tool_choice', 'text', 'reasoning'],
        ...['include', 'truncation', 'top_logprobs', 'parallel_tool_calls', 'background', 'prompt', 'conversation'],
      ],
    },
    [MESSAGES]: {
      body: `"max_tokens":1,"messages":[{${USER}}]`,
      fields: [
        ...['messages', 'max_tokens', 'system', 'temperature', 'stop_sequences', 'tools', 'tool_choice', 'thinking'],
        ...['output_config', 'output_format', 'container', 'mcp_servers', 'metadata', 'top_k'],
      ],
    },
  };
  for (const kind of ['ollama', 'openai'] as const)
    for (const [path, { body, fields }] of Object.entries(FIELDS))
      test(`is never the router's own fault: ${path} translated for ${kind}`, async () => {
        await using endpoint = await start(kind, path);
        await using router = await routerBefore([endpoint]);
        const native = kind === 'ollama' ? '/api/chat' : CHAT;
        const whole = kind === 'ollama' ? '{"message":{"content":"x"},"done":true}' : WHOLE_COMPLETION;
        if (path !== native) endpoint.faults.add({ on: { path: native }, ...json(whole) });
        for (const field of fields)
          for (const value of VALUES) {
            const answer = await router.ask(path, { body: `{"model":"m",${body},"${field}":${value}}` });
            const said: Json = jsonOf(answer);
            assert.ok(answer.status < 500, `${field}: ${value}: ${answer.status} ${JSON.stringify(said)}`);
          }
        await router.idle();
      });
});
