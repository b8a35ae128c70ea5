import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RouterError } from '../../../src/errors.ts';
import { splice } from '../../../src/protocols/json/splice.ts';
import { responses } from '../../../src/protocols/responses/operations.ts';
import { endpointOf } from '../../support/listings.ts';
import { bytesOf, feed, feedEveryWay } from '../feeding.ts';
import { callOf } from './asking.ts';

const KINDS = ['ollama', 'llama-server', 'vllm', 'openai'] as const;

function refusal(act: () => unknown): [string, string | undefined, string] {
  try {
    act();
  } catch (error) {
    assert.ok(error instanceof RouterError, `${error}`);
    return [error.code, error.details.param, error.message];
  }
  assert.fail('nothing was refused');
}

for (const [body, found] of [
  ['', ['invalid_json', undefined, 'missing request body']],
  ['{"input":"x"}', ['model_required', 'model', 'model is required']],
  ['{"model":"","input":"x"}', ['model_required', 'model', 'model is required']],
  ['{"model":"m"}', ['invalid_parameter', 'input', 'input is required']],
  ['{"model":"m","input":null}', ['invalid_parameter', 'input', 'input is required']],
  ['{"model":"m","input":{}}', ['invalid_parameter', 'input', 'input must be a string or an array of items']],
] as const) {
  test(`2.7 the request ${body || '(empty)'} is refused: ${found[2]}`, () => {
    assert.deepEqual(
      refusal(() => responses.decode(Buffer.from(body))),
      found,
    );
  });
}

test('what a server keeps stands in for an input', () => {
  assert.equal(responses.decode(Buffer.from('{"model":"m","previous_response_id":"resp_1"}')).model, 'm');
});

test('items are not looked at where their bytes go on as they are', () => {
  const call = callOf({ input: [{ type: 'whatever' }], magic: true });
  for (const kind of KINDS) assert.deepEqual(responses.edits(call, endpointOf(kind)), []);
});

test('2.7 the body goes as it came, but for what is meant for the router', () => {
  const body = '{"model":"m", "nomyo":{"a":1}, "input":"x","temperature":1.0}tail';
  const sent = splice(Buffer.from(body), responses.edits(callOf(body), endpointOf('llama-server'))).toString();
  assert.equal(sent, '{"model":"m", "input":"x","temperature":1.0}tail');
});

test('2.7 what is stored elsewhere is refused where it would be passed over in silence', () => {
  for (const key of ['previous_response_id', 'conversation', 'prompt']) {
    const call = callOf({ [key]: 'x' });
    assert.deepEqual(refusal(() => responses.edits(call, endpointOf('ollama'))).slice(0, 2), ['unsupported', key]);
    assert.deepEqual(responses.edits(call, endpointOf('openai')), []);
  }
  assert.deepEqual(responses.edits(callOf({ previous_response_id: null }), endpointOf('ollama')), []);
});

test('a client says itself whether older turns may be left out', () => {
  const said = ['auto', 'disabled', null].map((truncation) => responses.truncates?.(callOf({ truncation })));
  assert.deepEqual(said, [true, false, undefined]);
});

const event = (type: string, rest: string) => `event: ${type}\ndata: {"type":"${type}",${rest}}\n\n`;
const response = (rest: string) => `"response":{"id":"r","error":null,"model":"up",${rest}}`;
const created = event('response.created', response('"usage":null'));
const delta = event('response.output_text.delta', '"delta":"é \\"response.completed\\" \\"error\\" 😀"');
const done = event('response.completed', response('"usage":{"input_tokens":3,"output_tokens":5}'));

function pipe(contentType: string, client = 'up') {
  return responses.verbatim(callOf({}), endpointOf('vllm'), contentType, { client, upstream: 'up' });
}
const stream = () => pipe('text/event-stream; charset=utf-8');

for (const [type, rest] of [
  ['response.completed', '"status":"completed"'],
  ['response.incomplete', '"status":"incomplete"'],
  ['response.failed', '"status":"failed"'],
] as const) {
  test(`a stream that ends with ${type} passes byte for byte`, () => {
    const text = created + delta + event(type, response(rest));
    assert.deepEqual(feedEveryWay(stream, text), { text: bytesOf(text), error: undefined });
  });
}

test('tokens are counted by the last event, and by a whole response', () => {
  const streamed = stream();
  feed(streamed, [Buffer.from(created), Buffer.from(delta), Buffer.from(done)]);
  const whole = pipe('application/json');
  feed(whole, [Buffer.from('{"usage":{"input_tokens":3,"output_tokens":5}}')]);
  assert.deepEqual([streamed.usage, whole.usage], Array(2).fill({ promptTokens: 3, completionTokens: 5 }));
});

test("0 llama-server's timings stand beside the response", () => {
  const streamed = stream();
  const timings = '"timings":{"prompt_ms":8.5,"predicted_ms":1.5}';
  streamed.push(Buffer.from(event('response.completed', `${response('"status":"completed"')},${timings}`)));
  assert.deepEqual(streamed.timings, { promptMs: 8.5, completionMs: 1.5 });
});

test('2.7 a stream that just ends, as a broken one of Ollama does, ends with an error that clients raise at', () => {
  const { text } = feedEveryWay(stream, created + delta);
  const added = text.slice(bytesOf(created + delta).length);
  assert.match(added, /^event: error\ndata: .*\n\n$/);
  const data = JSON.parse(added.slice(added.indexOf('{')));
  assert.deepEqual([data.type, data.code, data.param], ['error', 'upstream_lost', null]);
  assert.deepEqual(data.error, { message: data.message, type: 'server_error', param: null, code: 'upstream_lost' });
});

for (const error of [
  'data: {"error":{"code":500,"message":"é","type":"server_error"}}\n\n',
  'event: error\ndata: {"type":"error","message":"x","code":null}\n\n',
]) {
  test(`2.7 an endpoint's own error is the end: ${error.split('\n')[0]}`, () => {
    assert.equal(feedEveryWay(stream, created + delta + error).text, bytesOf(created + delta + error));
  });
}

test('every event and a whole response have the name that the client wrote', () => {
  const mine = (text: string) => text.replaceAll('"model":"up"', '"model":"My:Name"');
  const streamed = feed(pipe('text/event-stream', 'My:Name'), [Buffer.from(created + delta + done)]).text;
  assert.equal(streamed, bytesOf(mine(created + delta + done)));
  const whole = '{"id":"r","model":"up","output":[{"model":"up2"}]}';
  assert.equal(feed(pipe('application/json', 'My:Name'), [Buffer.from(whole)]).text, mine(whole));
});

test('plain deltas pass unread', (t) => {
  const parse = t.mock.method(JSON, 'parse');
  const passing = stream();
  passing.push(Buffer.from(delta));
  assert.equal(parse.mock.callCount(), 0);
  passing.push(Buffer.from(done));
  assert.equal(parse.mock.callCount(), 1);
});

test('a silent stream says that it waits in a comment', () => {
  assert.deepEqual(responses.heartbeat?.(callOf({ stream: true })), {
    contentType: 'text/event-stream',
    text: ': nomyo waiting\n\n',
  });
});

test('2.7 a route that turns out to be missing can be done without at every kind of endpoint', () => {
  assert.deepEqual([responses.native, responses.translation?.targets], [KINDS, KINDS]);
  assert.equal(responses.unknownModel('x').status, 404);
});
