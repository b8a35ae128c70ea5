import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ONCE, startRouter } from '../support/router.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { jsonOf } from '../support/wire.ts';

const LIST = '{"object":"list","data":[{"id":"m","object":"model"}]}';
const TAGS = '{"version":"0.30.0","models":[{"name":"m:latest","model":"m:latest"}]}';
/** Longer than what is held of a whole answer, and full of what looks like its end. */
const LONG = '\\",\\"usage\\":{\\"prompt_tokens\\":1}'.repeat(300_000);
/** Bytes that come alone, at the end. */
const CUT = 9;
const DONE = '"done":true,"done_reason":"stop","total_duration":9,"prompt_eval_count":14,"eval_count":5';

for (const [kind, path, answer] of [
  [
    'openai',
    '/v1/chat/completions',
    `{"choices":[{"message":{"content":"${LONG}"}}],"usage":{"prompt_tokens":14,"completion_tokens":5}}`,
  ],
  ['openai', '/v1/responses', `{"output":["${LONG}"],"usage" : {"input_tokens":14,"output_tokens":5}, "user":null}`],
  [
    'llama-server',
    '/v1/chat/completions',
    `{"choices":["${LONG}"],"id":"x","timings":{"prompt_n":4,"cache_n":10,"predicted_n":5}}`,
  ],
  ['ollama', '/api/chat', `{"model":"m","message":{"content":"${LONG}"},${DONE}}`],
] as const) {
  test(`a whole answer of ${kind} to ${path} that is too long to be held counts what its end says`, async () => {
    const { promise: halfRead, resolve: noteHalfRead } = Promise.withResolvers<void>();
    await using server = await answering(answer, halfRead);
    await using router = await startRouter({ endpoints: [{ url: server.url, kind }] }, ONCE);
    using client = await router.open();
    const messages = [{ role: 'user', content: 'x' }];
    client.request(path, { body: { model: 'm', messages, input: 'x', stream: false } });
    await client.until(() => client.received.length > answer.length - CUT);
    noteHalfRead();
    const got = await client.answer();
    assert.ok(got.body.equals(Buffer.from(answer)));
    await router.idle();
    const [row] = jsonOf(await router.ask('/api/token_counts')).breakdown;
    assert.deepEqual([row?.input_tokens, row?.output_tokens], [14, 5]);
  });
}

/** An endpoint that lists the model `m` and answers with this, with its end when the rest was read. */
function answering(answer: string, halfRead: Promise<void>): Promise<ScriptedServer> {
  return ScriptedServer.start(async (peer) => {
    const { head } = await peer.request();
    if (!head.startsWith('POST')) return await peer.write(json(head.includes('/api/') ? TAGS : LIST));
    await peer.write(json(answer).slice(0, -CUT));
    await halfRead;
    await peer.write(answer.slice(-CUT));
  });
}

function json(body: string): string {
  const length = Buffer.byteLength(body);
  return `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\nConnection: close\r\n\r\n${body}`;
}
