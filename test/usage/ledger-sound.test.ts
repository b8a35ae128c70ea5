import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formOf, typeOf } from '../protocols/audio/forms.ts';
import { ONCE, startRouter } from '../support/router.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { jsonOf, textOf } from '../support/wire.ts';

const LIST = '{"object":"list","data":[{"id":"m","object":"model"}]}';
const DELTA = 'data: {"type":"transcript.text.delta","delta":"\\"usage\\""}\n\n';
const FORM = formOf('x', [
  { name: 'model', value: 'm' },
  { name: 'stream', value: 'true' },
  { name: 'file', filename: 'a.wav', value: 'RIFF' },
]);

for (const [whose, last, counted] of [
  ['OpenAI', 'data: {"type":"transcript.text.done","text":"a","usage":{"input_tokens":14,"output_tokens":5}}', [14, 5]],
  ['vLLM', 'data: {"choices":[],"usage":{"prompt_tokens":14,"completion_tokens":5}}\n\ndata: [DONE]\n\n', [14, 5]],
  ['a server that counts seconds', 'data: {"usage":{"type":"duration","seconds":9}}\n\n', undefined],
] as const) {
  test(`a transcript that ${whose} streams passes as it is, and counts what it says it cost`, async () => {
    await using server = await speaking(`${DELTA}${last}`);
    const endpoints = [{ url: server.url, kind: 'openai' } as const];
    await using router = await startRouter({ endpoints }, ONCE);
    const headers = { 'Content-Type': typeOf('x') };
    const answer = await router.ask('/v1/audio/transcriptions', { headers, body: FORM });
    assert.equal(textOf(answer), `${DELTA}${last}`);
    await router.idle();
    const [row] = jsonOf(await router.ask('/api/token_counts')).breakdown;
    assert.deepEqual(row && [row.input_tokens, row.output_tokens], counted);
  });
}

/** An endpoint that lists the model `m` and answers with this stream, which ends with the connection. */
function speaking(stream: string): Promise<ScriptedServer> {
  return ScriptedServer.start(async (peer) => {
    const { head } = await peer.request();
    const [type, body] = head.startsWith('POST') ? ['text/event-stream', stream] : ['application/json', LIST];
    await peer.write(`HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nConnection: close\r\n\r\n${body}`);
    peer.socket.end();
  });
}
