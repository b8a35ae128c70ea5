import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RouterError } from '../../../src/errors.ts';
import { countTokens, messages } from '../../../src/protocols/anthropic/operations.ts';
import { splice } from '../../../src/protocols/json/splice.ts';
import { endpointOf } from '../../support/listings.ts';
import { bytesOf, feedEveryWay } from '../feeding.ts';
import { messagesCall } from './message-calls.ts';
import { refuses } from './refusing.ts';

const LEAST = '"model":"m","max_tokens":1,"messages":[{"role":"user","content":"q"}]';

test('2.8 a model, a limit above nothing and messages are required', () => {
  const decode = (body: string) => () => messages.decode(Buffer.from(body));
  for (const body of ['{}', '{"model":""}', '{"model":null}', '{"Model":"m"}'])
    refuses('model_required', 'model', decode(body));
  for (const limit of ['', ',"max_tokens":null', ',"max_tokens":0', ',"max_tokens":-1', ',"max_tokens":1.5'])
    refuses('invalid_parameter', 'max_tokens', decode(`{"model":"m","messages":[{}]${limit}}`));
  for (const list of ['', ',"messages":[ ]', ',"messages":null', ',"messages":"q"'])
    refuses('invalid_parameter', 'messages', decode(`{"model":"m","max_tokens":1${list}}`));
  refuses('invalid_parameter', 'max_tokens', decode('{"model":"m","max_tokens":"1","messages":[{}]}'));
  assert.throws(decode('[]'), (error) => error instanceof RouterError && error.code === 'invalid_json');
});

test('2.8 a message is streamed where the client says so', () => {
  const streaming = ['', ',"stream":null', ',"stream":false', ',"stream":true'].map(
    (stream) => messages.decode(Buffer.from(`{${LEAST}${stream}}`)).streaming,
  );
  assert.deepEqual(streaming, [false, false, false, true]);
});

test('2.8 tokens are counted without a limit, and never as a stream', () => {
  const call = countTokens.decode(Buffer.from('{"model":"m","stream":true,"messages":[{}]}'));
  assert.deepEqual([call.operation, call.model, call.streaming], [countTokens, 'm', false]);
  assert.ok(!countTokens.native.includes('ollama'));
  assert.deepEqual([countTokens.translation, countTokens.heartbeat], [undefined, undefined]);
  refuses('invalid_parameter', 'messages', () => countTokens.decode(Buffer.from('{"model":"m"}')));
});

test("4.1 of a body nothing but the router's own field is cut", () => {
  const rest = `${LEAST} ,"x":1.0, "é":{"2":[ ]}`;
  for (const [before, after] of [
    [`{${rest}}`, `{${rest}}`],
    [`{"nomyo":{"a":1},${rest}, "nomyo":2}`, `{${rest}}`],
  ] as const)
    for (const operation of [messages, countTokens]) {
      const call = operation.decode(Buffer.from(before));
      assert.equal(splice(call.body, operation.edits(call, endpointOf('vllm'))).toString(), after);
    }
});

test('2.8 an unknown model is not found', () => {
  const { code, message } = messages.unknownModel('x');
  assert.deepEqual([code, message], ['model_not_found', "model 'x' not found"]);
});

test('2.8 the sign of life is a ping, under the content type of the stream', () => {
  const ping = { contentType: 'text/event-stream', text: 'event: ping\ndata: {"type":"ping"}\n\n' };
  assert.deepEqual(messages.heartbeat?.(messagesCall({ stream: true })), ping);
});

/** A pipe for the answer of a server that calls the model `up`, where the client calls it `client`. */
function pipe(contentType: string, upstream = 'up', operation = messages) {
  const names = { client: 'client', upstream };
  return () => operation.verbatim(messagesCall({}), endpointOf('openai'), contentType, names);
}

const events = (...records: string[]) =>
  records.map((record) => `event: ${JSON.parse(record).type}\ndata: ${record}\n\n`).join('');
const start = (model: string) =>
  `{"type":"message_start","message":{"id":"msg_1","model":"${model}","content":[],"usage":{"input_tokens":7,"cache_read_input_tokens":2,"cache_creation_input_tokens":null,"output_tokens":1}}}`;
const DELTA =
  '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"é \\"model\\":\\"up\\" \\"message_stop\\""}}';
const LAST = ['{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":5}}'];
const STOP = '{"type":"message_stop"}';

test('2.8 a stream passes as it is, but for the name of the model in its start', () => {
  const stream = (model: string) => events(start(model), '{"type":"ping"}', DELTA, ...LAST, STOP);
  const sse = 'text/event-stream; charset=utf-8';
  assert.equal(feedEveryWay(pipe(sse), stream('up')).text, bytesOf(stream('client')));
  assert.equal(feedEveryWay(pipe(sse), stream('other')).text, bytesOf(stream('other')));
  assert.equal(feedEveryWay(pipe(sse, 'client'), stream('client')).text, bytesOf(stream('client')));
});

test('2.8 a [DONE] behind the end, as vLLM sends one, passes too', () => {
  const stream = `${events(start('m'), STOP)}data: [DONE]\n\n`;
  assert.equal(feedEveryWay(pipe('text/event-stream'), stream).text, stream);
});

const BROKEN =
  'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"the endpoint ended the answer early"}}\n\n';

test('R20 a stream without its end ends with an error, one that ended with an error with no other', () => {
  // With another name of the model every event is read, with the client's own name only some are.
  for (const upstream of ['up', 'client']) {
    const found = pipe('text/event-stream', upstream);
    const cut = events(start('m'), DELTA, ...LAST);
    assert.equal(feedEveryWay(found, cut).text, bytesOf(cut) + BROKEN);
    assert.equal(feedEveryWay(found, cut + events(STOP)).text, bytesOf(cut) + events(STOP));
    const said = 'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"x"}}\n\n';
    assert.equal(feedEveryWay(found, cut + said).text, bytesOf(cut) + said);
    const foreign = 'event: error\ndata: {"error":{"code":500,"message":"x","type":"server_error"}}\n\n';
    const told = 'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"x"}}\n\n';
    assert.equal(feedEveryWay(found, cut + foreign).text, bytesOf(cut) + told);
  }
});

test('2.8 the tokens of a stream are those of its start and those of its end, the last one of each', () => {
  const told = (...records: string[]) => {
    const found = pipe('text/event-stream', 'client')();
    found.push(Buffer.from(events(...records)));
    return found;
  };
  const usage = (...records: string[]) => told(...records).usage;
  const early = told(start('m'), DELTA);
  assert.deepEqual([early.usage, early.promptTokens], [undefined, 9], 'the output is not known before its end');
  assert.deepEqual(usage(start('m'), DELTA, ...LAST, STOP), { promptTokens: 9, completionTokens: 5 });
  const both = '{"type":"message_delta","usage":{"input_tokens":4,"output_tokens":6}}';
  assert.deepEqual(usage(start('m'), both), { promptTokens: 6, completionTokens: 6 });
  assert.deepEqual(usage(DELTA, STOP), undefined);
});

test('2.8 what Ollama says of the prompt before it has read it is a guess, what others say is not', () => {
  for (const [kind, expected] of [
    ['ollama', undefined],
    ['llama-server', 9],
  ] as const) {
    const names = { client: 'm', upstream: 'm' };
    const found = messages.verbatim(messagesCall({}), endpointOf(kind), 'text/event-stream', names);
    found.push(Buffer.from(events(start('m'))));
    assert.equal(found.promptTokens, expected);
    found.push(Buffer.from(events('{"type":"message_delta","usage":{"input_tokens":16,"output_tokens":2}}')));
    assert.deepEqual(found.usage, { promptTokens: 18, completionTokens: 2 });
  }
});

test('2.8 a whole message passes but for the name of the model, and its tokens are counted', () => {
  const message = (model: string) =>
    `{"id":"msg_1", "model":"${model}","content":[{"type":"tool_use","input":{"model":"up"}}],"usage":{"input_tokens":1,"cache_creation_input_tokens":2,"output_tokens":3}}`;
  assert.equal(feedEveryWay(pipe('application/json'), message('up')).text, message('client'));
  const found = pipe('application/json')();
  found.push(Buffer.from(message('up')));
  found.end();
  assert.deepEqual(found.usage, { promptTokens: 3, completionTokens: 3 });
});

test('2.8 a count of tokens passes as it is and costs nothing', () => {
  const found = pipe('application/json', 'up', countTokens);
  assert.equal(feedEveryWay(found, '{"input_tokens": 7}').text, '{"input_tokens": 7}');
  const one = found();
  one.push(Buffer.from('{"input_tokens":7}'));
  one.end();
  assert.equal(one.usage, undefined);
});
