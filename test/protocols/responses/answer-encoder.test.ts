import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnswerEvent } from '../../../src/domain/answer.ts';
import { asObject } from '../../../src/domain/json.ts';
import { Refusal } from '../../../src/errors.ts';
import { ResponsesEncoder } from '../../../src/protocols/responses/answer-encoder.ts';
import { callOf } from './asking.ts';
import {
  call,
  eventsIn,
  finish,
  logprob,
  outputOf,
  say,
  streamed,
  streamText,
  think,
  unmarked,
  usage,
  whole,
} from './encoding.ts';

const types = (batches: readonly (readonly AnswerEvent[])[]) =>
  streamed(batches).map(({ type }) => String(type).replace('response.', ''));
const LAST = finish('stop');

test('2.7 a whole response: settings come back, and tokens are counted', () => {
  const sent = { instructions: 'be kind', temperature: 0.5, tools: [{ type: 'function', name: 'f' }], store: true };
  assert.deepEqual(
    unmarked(whole([say('a'), say('b'), LAST, usage], { ...sent, model: 'Client:Name', metadata: { a: 'b' } })),
    {
      id: 'resp_*',
      object: 'response',
      created_at: 0,
      completed_at: 0,
      status: 'completed',
      error: null,
      incomplete_details: null,
      model: 'Client:Name',
      output: [
        {
          id: 'msg_*',
          type: 'message',
          status: 'completed',
          role: 'assistant',
          content: [{ type: 'output_text', text: 'ab', annotations: [], logprobs: [] }],
        },
      ],
      background: false,
      instructions: 'be kind',
      max_output_tokens: null,
      max_tool_calls: null,
      metadata: { a: 'b' },
      parallel_tool_calls: true,
      previous_response_id: null,
      prompt_cache_key: null,
      reasoning: { effort: null, summary: null },
      safety_identifier: null,
      service_tier: 'default',
      temperature: 0.5,
      text: { format: { type: 'text' } },
      tool_choice: 'auto',
      tools: [{ type: 'function', name: 'f' }],
      top_logprobs: 0,
      top_p: null,
      truncation: 'disabled',
      user: null,
      store: false,
      usage: {
        input_tokens: 7,
        input_tokens_details: { cached_tokens: 0 },
        output_tokens: 5,
        output_tokens_details: { reasoning_tokens: 0 },
        total_tokens: 12,
      },
    },
  );
});

test('2.7 the order of a stream: reasoning, text, calls', () => {
  assert.deepEqual(
    types([
      [think('h')],
      [think('m'), say('a')],
      [say('b')],
      [call(0, 'x', 'f', '')],
      [call(0, undefined, undefined, '{}')],
      [LAST, usage],
    ]),
    [
      ...['created', 'in_progress'],
      ...[
        'output_item.added',
        'reasoning_summary_part.added',
        'reasoning_summary_text.delta',
        'reasoning_summary_text.delta',
      ],
      ...['reasoning_summary_text.done', 'reasoning_summary_part.done', 'output_item.done'],
      ...['output_item.added', 'content_part.added', 'output_text.delta', 'output_text.delta'],
      ...['output_text.done', 'content_part.done', 'output_item.done'],
      ...['output_item.added', 'function_call_arguments.delta', 'function_call_arguments.done', 'output_item.done'],
      'completed',
    ],
  );
});

test('0 the first events have an empty output, which openai-python wants', () => {
  const [created, going] = streamed([[say('a')]]);
  for (const event of [created, going]) {
    const response = asObject(event?.['response']);
    assert.deepEqual([response?.['output'], response?.['status'], response?.['usage']], [[], 'in_progress', null]);
    assert.equal(response?.['completed_at'], null);
  }
});

test('nothing is sent before there is something to say', () => {
  const encoder = new ResponsesEncoder(callOf({ stream: true }));
  assert.equal(encoder.push([]) + encoder.push([usage]) + encoder.push([say('')]) + encoder.push([think('')]), '');
  assert.match(encoder.push([say('a')]), /^event: response\.created\n/);
});

test('what a stream builds up is what it ends with, and what a whole response says', () => {
  const events = [
    think('h'),
    think('m'),
    say('a\n'),
    say('😀'),
    call(0, 'x', 'f', '{"a":1}'),
    call(1, 'y', 'g', '{}'),
    finish('tool-calls'),
    usage,
  ];
  const body = { include: ['reasoning.encrypted_content'] };
  const sent = streamed(
    events.map((event) => [event]),
    body,
  );
  const last = asObject(sent.at(-1)?.['response']);
  const done = sent.filter(({ type }) => type === 'response.output_item.done').map(({ item }) => item);
  assert.deepEqual(done, outputOf(last));
  assert.deepEqual(unmarked(last), unmarked({ ...whole(events, body) }));
  const deltas = (type: string) =>
    sent
      .filter((event) => event['type'] === type)
      .map(({ delta }) => delta)
      .join('');
  assert.equal(deltas('response.output_text.delta'), 'a\n😀');
  assert.equal(deltas('response.reasoning_summary_text.delta'), 'hm');
});

test('fragments of calls that alternate go to their own items', () => {
  const batches = [
    [call(0, 'x', 'f', '{"a"')],
    [call(1, 'y', 'g', '{"b"')],
    [call(0, undefined, undefined, ':1}')],
    [call(1, undefined, undefined, ':2}')],
  ];
  const sent = streamed([...batches, [finish('tool-calls')]]);
  const deltas = sent.filter(({ type }) => type === 'response.function_call_arguments.delta');
  assert.deepEqual(
    deltas.map(({ output_index, delta }) => [output_index, delta]),
    [
      [0, '{"a"'],
      [1, '{"b"'],
      [0, ':1}'],
      [1, ':2}'],
    ],
  );
  assert.deepEqual(
    outputOf(sent.at(-1)?.['response']).map(({ call_id, name, arguments: json, status }) => [
      call_id,
      name,
      json,
      status,
    ]),
    [
      ['x', 'f', '{"a":1}', 'completed'],
      ['y', 'g', '{"b":2}', 'completed'],
    ],
  );
});

test('a call is told of once its name is known, and has an id even where the endpoint gave none', () => {
  const sent = streamed([[call(0, undefined, undefined, '{')], [call(0, undefined, 'f', '}')]]);
  const added = asObject(sent[2]?.['item']);
  assert.deepEqual([added?.['name'], added?.['arguments'], sent[3]?.['delta']], ['f', '', '{}']);
  assert.match(String(added?.['call_id']), /^call_[a-z0-9]{24}$/);
  assert.equal(outputOf(whole([call(0, 'x', undefined, '{}')]))[0]?.['call_id'], 'x');
  const late = outputOf(whole([call(0, 'x', undefined, '{'), call(0, undefined, 'f', '}')]))[0];
  assert.deepEqual([late?.['call_id'], late?.['name'], late?.['arguments']], ['x', 'f', '{}']);
});

test('a call without arguments has an empty object, in pieces and at the end', () => {
  const sent = streamed([[call(0, 'x', 'f', '')]]);
  assert.deepEqual(
    sent.map(({ delta }) => delta).filter((delta) => delta !== undefined),
    ['{}'],
  );
  assert.equal(outputOf(sent.at(-1)?.['response'])[0]?.['arguments'], '{}');
});

test('a call of a function that stands in a namespace says so', () => {
  const tools = [
    { type: 'namespace', name: 'crm', tools: [{ type: 'function', name: 'f' }] },
    { type: 'function', name: 'g' },
  ];
  const found = outputOf(whole([call(0, 'x', 'f', ''), call(1, 'y', 'g', '')], { tools }));
  assert.deepEqual(
    found.map(({ namespace }) => namespace),
    ['crm', undefined],
  );
});

test('an answer that comes back after a call is another item', () => {
  const found = outputOf(whole([say('a'), call(0, 'x', 'f', '{}'), say('b'), think('c'), say('d')]));
  assert.deepEqual(
    found.map(({ type }) => type),
    ['message', 'function_call', 'message', 'reasoning', 'message'],
  );
});

test('an answer that says nothing is an empty message', () => {
  for (const events of [[LAST], [think('h'), LAST]] as const) {
    const last = outputOf(whole(events)).at(-1);
    assert.deepEqual(last?.['content'], [{ type: 'output_text', text: '', annotations: [], logprobs: [] }]);
  }
  assert.equal(types([[LAST]]).at(-1), 'completed');
});

test('at the token limit the response and its last item are incomplete', () => {
  const cut = [think('h'), say('a'), finish('length'), usage] as const;
  const response = whole(cut);
  assert.deepEqual(
    [response['status'], response['incomplete_details'], response['completed_at']],
    ['incomplete', { reason: 'max_output_tokens' }, null],
  );
  assert.equal(outputOf(response).at(-1)?.['status'], 'incomplete');
  assert.equal(streamed([cut]).at(-1)?.['type'], 'response.incomplete');
  assert.deepEqual(
    outputOf(whole([think('h'), finish('length')])).map(({ type }) => type),
    ['reasoning'],
  );
  assert.equal(outputOf(whole([call(0, 'x', 'f', '{"a'), finish('length')]))[0]?.['arguments'], '{"a');
});

test('reasoning is sealed only where the client wants to send it back so', () => {
  const item = (body: object) => outputOf(whole([think('h')], { ...body }))[0];
  assert.deepEqual(unmarked(item({})), {
    id: 'rs_*',
    type: 'reasoning',
    summary: [{ type: 'summary_text', text: 'h' }],
    content: [{ type: 'reasoning_text', text: 'h' }],
  });
  assert.equal(item({ include: ['reasoning.encrypted_content'] })?.['encrypted_content'], 'h');
});

test('log probabilities go with the text before them, byte for byte', () => {
  const [one, two] = ['{"token":"a","logprob":-1.50,"bytes":[97]}', '{"token":"b","logprob":-2e0}'];
  const text = streamText([[say('a'), logprob(one)], [logprob(two)], [think('h'), logprob('{"token":"x"}')]]);
  assert.ok(text.includes(`"delta":"a","logprobs":[${one}]`));
  assert.ok(text.includes(`"delta":"","logprobs":[${two}]`));
  assert.ok(text.includes(`"text":"a","logprobs":[${one},${two}]`));
  assert.ok(!text.includes('"token":"x"'));
});

test('settings written over many lines do not end an event', () => {
  const body = '{"model":"m","input":"x","stream":true,"metadata":{\n  "a":\r\n "b" }}';
  const encoder = new ResponsesEncoder(callOf(body));
  const [created] = eventsIn(encoder.push([say('a')]));
  assert.deepEqual(asObject(created?.['response'])?.['metadata'], { a: 'b' });
});

test('a broken stream ends with an error that clients raise at, with the next number, and without [DONE]', () => {
  for (const act of [
    (encoder: ResponsesEncoder) => encoder.fail('lost'),
    (encoder: ResponsesEncoder) => encoder.push([{ type: 'error', message: 'lost' }]),
  ]) {
    const encoder = new ResponsesEncoder(callOf({ stream: true }));
    const last = eventsIn(encoder.push([say('a')]) + act(encoder)).at(-1);
    const error = { message: 'lost', type: 'server_error', param: null, code: 'upstream_lost' };
    assert.deepEqual(last, { type: 'error', code: 'upstream_lost', message: 'lost', param: null, error });
  }
});

test('a failure in place of a whole response has its status', () => {
  const encoder = new ResponsesEncoder(callOf({}));
  assert.throws(() => encoder.push([{ type: 'error', message: 'lost' }]), Refusal);
  assert.equal(encoder.fail('lost'), '');
});
