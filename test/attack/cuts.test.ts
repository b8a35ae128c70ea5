import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EndpointKind } from '../../src/domain/endpoint.ts';
import type { FaultRule } from '../../src/simulator/simulation.ts';
import { eventually, ONCE, type RunningRouter, startRouter } from '../support/router.ts';
import { type Peer, ScriptedServer } from '../support/scripted-server.ts';
import { json, ndjson, sse } from '../support/streams.ts';
import { type Json, textOf, type WireAnswer } from '../support/wire.ts';

const CHAT = '/v1/chat/completions';
const MESSAGES = '/v1/messages';
const RESPONSES = '/v1/responses';

const delta = (text: string, reason = 'null') =>
  `data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":${text},"finish_reason":${reason}}]}\n\n`;
const fragment = (index: number, more: string, args: string) =>
  delta(`{"tool_calls":[{"index":${index},${more}"function":{${args}}}]}`);
const EVENTS = [
  delta('{"reasoning_content":"hm \u00fc"}'),
  delta('{"content":"Gr\u00fc\u00dfe \u{1f600}"}'),
  fragment(0, '"id":"a",', '"name":"f","arguments":"{\\"\u00fc\\":"'),
  fragment(1, '"id":"b",', '"name":"g","arguments":"{\\"k\\":"'),
  fragment(0, '', '"arguments":"1}"'),
  fragment(1, '', '"arguments":"{}}"'),
  delta('{}', '"tool_calls"'),
  'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2}}\n\n',
  'data: [DONE]\n\n',
].join('');
const line = (message: string, more = '"done":false') =>
  `{"model":"m","created_at":"2026-08-01T10:00:00Z","message":${message},${more}}\n`;
const CALLS = '[{"function":{"name":"f","arguments":{"\u00fc":1}}},{"function":{"name":"g","arguments":{"k":{}}}}]';
const LAST = '"done":true,"done_reason":"stop","prompt_eval_count":7,"eval_count":2';
const LINES = [
  line('{"role":"assistant","content":"","thinking":"hm \u00fc"}'),
  line('{"role":"assistant","content":"Gr\u00fc\u00dfe \u{1f600}"}'),
  line(`{"role":"assistant","content":"","tool_calls":${CALLS}}`),
  line('{"role":"assistant","content":""}', LAST),
].join('');
const WHOLE_OPENAI = `{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Gr\u00fc\u00dfe \u{1f600}","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\\"\u00fc\\":1}"}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":7,"completion_tokens":2}}`;
const WHOLE_OLLAMA = line(
  `{"role":"assistant","content":"Gr\u00fc\u00dfe \u{1f600}","tool_calls":${CALLS}}`,
  LAST,
).trim();

const USER = [{ role: 'user', content: 'x' }];
const BODIES: Readonly<Record<string, object>> = {
  '/api/chat': { model: 'm', messages: USER },
  [CHAT]: { model: 'm', messages: USER },
  [MESSAGES]: { model: 'm', messages: USER, max_tokens: 9 },
  [RESPONSES]: { model: 'm', input: 'x' },
};
const PAIRS: readonly (readonly [string, EndpointKind])[] = [
  ['/api/chat', 'openai'],
  ['/api/chat', 'llama-server'],
  [CHAT, 'ollama'],
  [MESSAGES, 'ollama'],
  [MESSAGES, 'openai'],
  [RESPONSES, 'ollama'],
  [RESPONSES, 'openai'],
];

/** Every so many bytes: prime, so that all of them are met by one pair or another. */
const STRIDE = 29;

/** How an answer ended for a client that believes what it reads. */
type Ending = 'complete' | 'error' | 'cut';

/** All records of an answer, streamed or whole; throws where one is no JSON. */
function recordsOf(answer: WireAnswer): Json[] {
  const lines = textOf(answer).split('\n');
  const records = lines.filter((text) => text !== '' && !/^(event:|:|data: \[DONE\])/.test(text));
  return records.map((text) => JSON.parse(text.replace(/^data: /, '')));
}

function endingOf(path: string, answer: WireAnswer): Ending {
  if (!answer.complete) return 'cut';
  const records = recordsOf(answer);
  const failed = records.findIndex((record) => record.error !== undefined && record.error !== null);
  if (failed !== -1) {
    assert.equal(failed, records.length - 1, `something follows the error: ${textOf(answer)}`);
    assert.doesNotMatch(textOf(answer), /\[DONE\]|message_stop|response\.completed|"done":true/);
    return 'error';
  }
  const last = records.at(-1);
  assert.ok(isEnd(path, answer, last), `neither an end nor an error: ${textOf(answer)}`);
  return 'complete';
}

function isEnd(path: string, answer: WireAnswer, last: Json): boolean {
  if (path === '/api/chat') return last.done === true;
  if (path === CHAT) return last.object === 'chat.completion' || textOf(answer).endsWith('data: [DONE]\n\n');
  return ['message', 'message_stop', 'response.completed'].includes(last.type) || last.object === 'response';
}

const WORDS = ['content', 'thinking', 'reasoning_content', 'text', 'name', 'partial_json', 'delta', 'arguments'];
const REASONS = [
  'done_reason',
  'finish_reason',
  'stop_reason',
  'status',
  'total_tokens',
  'output_tokens',
  'eval_count',
];

/** All that was said, by what it is called: into how many records it was divided does not count. */
function saidIn(answer: WireAnswer): Record<string, string> {
  const said: Record<string, string> = {};
  const add = (key: string, value: unknown) => {
    said[key] = (said[key] ?? '') + value;
  };
  const walk = (value: Json, key: string): void => {
    if ([...WORDS, ...REASONS].includes(key) && typeof value !== 'object') add(key, value);
    else if (key === 'arguments') add(key, JSON.stringify(value));
    else if (typeof value === 'object' && value !== null)
      for (const [name, inner] of Object.entries(value)) walk(inner, name);
  };
  for (const record of recordsOf(answer)) walk(record, '');
  return said;
}

const places = (length: number, from: number) =>
  Array.from({ length: Math.ceil(length / STRIDE) }, (_, i) => Math.min(length, from + i * STRIDE));

/** Where bytes are cut within a character. */
const insideCharacters = (bytes: Buffer) => [...bytes.keys()].filter((at) => ((bytes[at] ?? 0) & 0xc0) === 0x80);

for (const [place, [path, kind]] of PAIRS.entries())
  for (const stream of [true, false])
    describe(`${stream ? 'a stream' : 'a whole answer'} of ${kind} translated for ${path}`, () => {
      const [events, whole] = kind === 'ollama' ? [LINES, WHOLE_OLLAMA] : [EVENTS, WHOLE_OPENAI];
      const bytes = Buffer.from(stream ? events : whole);
      const said = kind === 'ollama' ? ndjson(bytes.toString()) : sse(bytes.toString());
      const fault: FaultRule = stream ? said : json(bytes.toString());
      const on = { path: kind === 'ollama' ? '/api/chat' : CHAT };
      const ask = (router: RunningRouter) => router.ask(path, { body: { ...BODIES[path], stream } });

      const router = ({ url }: ScriptedServer) => startRouter({ endpoints: [{ url, kind }] }, ONCE);
      const head = (framing: string) =>
        `HTTP/1.1 200 OK\r\nContent-Type: ${fault.headers?.['Content-Type']}\r\n${framing}\r\n\r\n`;

      test('is the same wherever its bytes are cut into two', async () => {
        let at = 0;
        await using server = await ScriptedServer.start(async (peer) => {
          for (;;) {
            await untilAsked(peer, on.path);
            await peer.write(head(`Content-Length: ${bytes.length}`));
            await peer.write(bytes.subarray(0, at));
            await peer.write(bytes.subarray(at));
          }
        });
        await using running = await router(server);
        const wanted = saidIn(await ask(running));
        for (at of [...places(bytes.length, place), ...insideCharacters(bytes)]) {
          const answer = await ask(running);
          assert.equal(endingOf(path, answer), 'complete', `cut at ${at}`);
          assert.deepEqual(saidIn(answer), wanted, `cut at ${at}`);
        }
        await running.idle();
      });

      for (const way of ['ends', 'is broken off'] as const)
        test(`never looks complete where it ${way} too early`, async () => {
          let at = 0;
          await using server = await ScriptedServer.start(async (peer) => {
            await untilAsked(peer, on.path);
            await peer.write(head(way === 'ends' ? 'Connection: close' : `Content-Length: ${bytes.length}`));
            await peer.write(bytes.subarray(0, at));
            peer.end();
          });
          await using running = await router(server);
          for (at of places(endOf(bytes), place)) {
            const answer = await whenAvailable(() => ask(running));
            assert.notEqual(endingOf(path, answer), 'complete', `cut at ${at} of ${bytes.length}: ${textOf(answer)}`);
          }
          await running.idle();
        });
    });

/** An endpoint that broke an answer off counts as unreachable until it was asked how it is. */
async function whenAvailable(ask: () => Promise<WireAnswer>): Promise<WireAnswer> {
  let answer: WireAnswer | undefined;
  await eventually(async () => {
    answer = await ask();
    return answer.status !== 503;
  });
  assert.ok(answer);
  return answer;
}

/** The first byte that says that there will be no more: without all before it an answer is not whole. */
function endOf(bytes: Buffer): number {
  const finish = bytes.indexOf('"finish_reason":"tool_calls"}]}\n\n');
  return finish === -1 ? bytes.length - 2 : finish + 10;
}

const LISTS: Readonly<Record<string, string>> = {
  '/v1/models': '{"object":"list","data":[{"id":"m","object":"model"}]}',
  '/health': '{"status":"ok"}',
  '/props': '{"default_generation_settings":{"n_ctx":4096},"total_slots":4}',
  '/api/version': '{"version":"0.30.0"}',
  '/api/tags': '{"models":[{"name":"m:latest","model":"m:latest"}]}',
  '/api/ps': '{"models":[{"name":"m:latest","model":"m:latest"}]}',
};

const framed = (status: string, body: string) =>
  `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

/** Lists its models and knows no other route, until it is asked for an answer on this one. */
async function untilAsked(peer: Peer, path: string): Promise<void> {
  for (;;) {
    const { head } = await peer.request();
    if (head.startsWith(`POST ${path} `)) return;
    const list = head.startsWith('GET') ? LISTS[head.split(' ')[1] ?? ''] : undefined;
    await peer.write(list === undefined ? framed('404 Not Found', '404 page not found') : framed('200 OK', list));
  }
}
