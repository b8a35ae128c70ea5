import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Conversation as AnyForm } from '../../src/protocols/codec.ts';
import {
  estimatedTokens,
  type Lessened,
  withoutImages,
  withoutOldestTurns,
  withoutThinking,
  withoutTools,
} from '../../src/protocols/conversation.ts';

/** Those with messages. */
type Conversation = Exclude<AnyForm, 'generate'>;

const FORMS: readonly Conversation[] = ['ollama', 'chat', 'anthropic', 'responses'];

/** What one message is to the conversation, and how it is written. */
interface Message {
  readonly is: 'system' | 'user' | 'call' | 'result' | 'words';
  /** The calls that it makes or answers. */
  readonly calls: readonly string[];
  readonly json: object;
}

type Step = 'words' | 'system' | readonly string[];

const say = (form: Conversation, role: string, text: string): object =>
  form === 'responses' ? { type: 'message', role, content: text } : { role, content: text };

/** Calls of tools and their results, as each form has them. */
const CALLED: Readonly<Record<Conversation, (ids: readonly string[]) => Message[]>> = {
  ollama: chatCalls,
  chat: chatCalls,
  anthropic: (ids) => [
    { is: 'call', calls: ids, json: { role: 'assistant', content: ids.map((id) => ({ type: 'tool_use', id })) } },
    {
      is: 'result',
      calls: ids,
      json: { role: 'user', content: ids.map((id) => ({ type: 'tool_result', tool_use_id: id, content: 'x' })) },
    },
  ],
  responses: (ids) => [
    ...ids.map((id) => ({ is: 'call' as const, calls: [id], json: { type: 'function_call', call_id: id } })),
    ...ids.map((id) => ({
      is: 'result' as const,
      calls: [id],
      json: { type: 'function_call_output', call_id: id, output: 'x' },
    })),
  ],
};

function chatCalls(ids: readonly string[]): Message[] {
  const call: Message = { is: 'call', calls: ids, json: { role: 'assistant', tool_calls: ids.map((id) => ({ id })) } };
  return [call, ...ids.map((id) => ({ is: 'result' as const, calls: [id], json: { role: 'tool', tool_call_id: id } }))];
}

const words = fc.string({ unit: 'binary', maxLength: 60 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.constant('words' as const),
  fc.constant('system' as const),
  fc.uniqueArray(fc.uuid(), { minLength: 1, maxLength: 3 }),
);
/** A turn of the user, with what follows it. */
const turn = fc.record({ text: words, steps: fc.array(fc.tuple(step, words), { maxLength: 4 }) });
const talk = fc.record({
  form: fc.constantFrom(...FORMS),
  leading: fc.array(fc.tuple(fc.constantFrom('system', 'developer'), words), { maxLength: 2 }),
  turns: fc.array(turn, { maxLength: 6 }),
  indent: fc.constantFrom(0, 1, '\t'),
  escaped: fc.boolean(),
  between: fc.constantFrom(',', ' ,\r\n\t'),
  share: fc.double({ min: 0, max: 1, noNaN: true }),
});

type Talk = typeof talk extends fc.Arbitrary<infer T> ? T : never;

function messagesOf({ form, leading, turns }: Talk): Message[] {
  return [
    ...leading.map(([role, text]) => ({ is: 'system' as const, calls: [], json: say(form, role, text) })),
    ...turns.flatMap(({ text, steps }) => [
      { is: 'user' as const, calls: [], json: say(form, 'user', text) },
      ...steps.flatMap(([kind, said]): Message[] => {
        if (kind === 'words') return [{ is: 'words', calls: [], json: say(form, 'assistant', said) }];
        if (kind === 'system') return [{ is: 'system', calls: [], json: say(form, 'system', said) }];
        return CALLED[form](kind);
      }),
    ]),
  ];
}

/** Each message's own bytes, with what no decoder may touch in them: escapes, white space, how a number is written. */
function writtenBy({ indent, escaped }: Talk, messages: readonly Message[]): string[] {
  return messages.map(({ json }, n) => {
    const text = JSON.stringify({ n, exact: 1, ...json }, undefined, indent).replace(/("exact": ?)1/, '$11.00');
    return escaped ? text.replace(/("role": ?)"u/, '$1"\\u0075').replace('"role"', '"r\\u006fle"') : text;
  });
}

const keyOf = (form: Conversation) => (form === 'responses' ? 'input' : 'messages');
const around = (form: Conversation) =>
  [`{"model":"m", "${keyOf(form)}" : `, `,"seed":1.50,\n"x":"\\u00fc ü"}`] as const;

test('random conversations of every form: what goes is the oldest turns, whole, and what stays has the bytes it had', () => {
  fc.assert(
    fc.property(talk, (given) => {
      const { form, share, between } = given;
      const messages = messagesOf(given);
      const written = writtenBy(given, messages);
      const [before, behind] = around(form);
      const body = Buffer.from(`${before}[ ${written.join(between)} ]${behind}`);
      const last = messages.findLastIndex(({ is }) => is === 'user');
      const removable = messages.flatMap(({ is }, n) => (n < last && is !== 'system' ? [n] : []));

      const lessened = withoutOldestTurns(body, form, share);
      if (lessened === undefined) return removable.length === 0 || share === 0;

      const kept = keptOf(lessened, form);
      const gone = messages.flatMap((_, n) => (kept.includes(n) ? [] : [n]));
      assert.equal(lessened.body.toString(), `${before}[${kept.map((n) => written[n]).join(',')}]${behind}`);
      assert.equal(lessened.count, gone.length);
      assert.deepEqual(gone, removable.slice(0, gone.length), 'the oldest, and neither the system nor the last turn');
      const calls = kept.flatMap((n) => (messages[n]?.is === 'call' ? messages[n].calls : []));
      for (const n of kept)
        if (messages[n]?.is === 'result')
          for (const id of messages[n].calls) assert.ok(calls.includes(id), 'the call of a result stays');
      assert.equal(
        messages[kept.find((n) => messages[n]?.is !== 'system') ?? -1]?.is,
        'user',
        'a turn goes as a whole',
      );

      const weight = (some: readonly number[]) => some.reduce((sum, n) => sum + Buffer.byteLength(written[n] ?? ''), 0);
      const wanted = weight(messages.map((_, n) => n)) * share;
      if (gone.length < removable.length) assert.ok(weight(gone) >= wanted, 'enough goes');
      const lastGone = gone.findLast((n) => messages[n]?.is === 'user') ?? 0;
      assert.ok(lastGone === gone[0] || weight(gone.filter((n) => n < lastGone)) < wanted, 'and no turn more');
      return true;
    }),
    { numRuns: 400 },
  );
});

function keptOf({ body }: Lessened, form: Conversation): number[] {
  const list: { n: number }[] = JSON.parse(body.toString())[keyOf(form)];
  return list.map(({ n }) => n);
}

const bodyOf = (value: object) => Buffer.from(JSON.stringify(value));
const jsonOf = (lessened: Lessened | undefined) => lessened && JSON.parse(lessened.body.toString());
const user = (content: unknown) => ({ role: 'user', content });
const assistant = (content: unknown) => ({ role: 'assistant', content });

describe('there is nothing to leave out', () => {
  for (const [name, form, body] of [
    ['of one turn', 'chat', { messages: [user('a'), assistant('b')] }],
    ['before the first user', 'chat', { messages: [{ role: 'system', content: 'a' }, user('b')] }],
    ['where no user speaks', 'chat', { messages: [assistant('a'), assistant('b')] }],
    ['of no messages', 'ollama', { messages: [] }],
    ['of no list', 'chat', { messages: 'a' }],
    ['of nothing', 'ollama', { model: 'm' }],
    ['of one text', 'responses', { input: 'a long text' }],
    ['of null', 'anthropic', { messages: null }],
    [
      "after an Anthropic tool's result, which is no turn",
      'anthropic',
      {
        messages: [
          user('a'),
          assistant([{ type: 'tool_use', id: 't' }]),
          user([
            { type: 'tool_result', tool_use_id: 't' },
            { type: 'text', text: 'and?' },
          ]),
        ],
      },
    ],
  ] as const) {
    test(name, () => assert.equal(withoutOldestTurns(bodyOf(body), form, 1), undefined));
  }
});

test('of a list that stands twice the last one counts, as for every decoder', () => {
  const body = Buffer.from(
    '{"messages":[{"role":"user","content":"x"}],"messages":[{"role":"user","content":"old"},{"role":"user","content":"new"}]}',
  );
  assert.equal(
    withoutOldestTurns(body, 'chat', 0.1)?.body.toString(),
    '{"messages":[{"role":"user","content":"x"}],"messages":[{"role":"user","content":"new"}]}',
  );
});

test('what is no message goes with the turn it stands in, and harms nobody', () => {
  const messages = [user('a'), null, 'x', [1], { content: 'no role' }, { role: 7 }, user('b')];
  assert.deepEqual(jsonOf(withoutOldestTurns(bodyOf({ messages }), 'chat', 0.1)), { messages: [user('b')] });
});

test('what stays keeps its bytes also where they are no UTF-8', () => {
  const [old, kept] = ['{"role":"user","content":"old"}', '{"role":"user","content":"\xff\xc3"}'];
  const lessened = withoutOldestTurns(Buffer.from(`{"messages":[${old},${kept}]}`, 'latin1'), 'chat', 0.1);
  assert.equal(lessened?.body.toString('latin1'), `{"messages":[${kept}]}`);
});

test('a result of a tool does not outlive its call, also where the user spoke in between', () => {
  const input = [
    user('a'),
    { type: 'function_call', call_id: 'c' },
    user('b'),
    { type: 'function_call_output', call_id: 'c', output: 'x' },
    user('c'),
  ];
  const left: { input: { type?: string }[] } = jsonOf(withoutOldestTurns(bodyOf({ input }), 'responses', 0.1));
  const calls = left.input.filter(({ type }) => type === 'function_call').length;
  assert.equal(left.input.filter(({ type }) => type === 'function_call_output').length, calls);
});

const IMAGE = 'A'.repeat(400_000);
const SHOWN: Readonly<Record<Conversation, object>> = {
  ollama: { role: 'user', content: 'a', images: [IMAGE] },
  chat: user([{ type: 'image_url', image_url: { url: `data:image/png;base64,${IMAGE}` } }]),
  anthropic: user([{ type: 'image', source: { type: 'base64', data: IMAGE } }]),
  responses: user([{ type: 'input_image', image_url: `data:image/png;base64,${IMAGE}` }]),
};

for (const form of FORMS) {
  test(`an image weighs little, whatever its bytes (${form})`, () => {
    const tokens = estimatedTokens(bodyOf({ [keyOf(form)]: [SHOWN[form]] }), form);
    assert.ok(tokens > 500 && tokens < 2_000, String(tokens));
    const list = [SHOWN[form], user('x'.repeat(20_000)), user('last')];
    const left = jsonOf(withoutOldestTurns(bodyOf({ [keyOf(form)]: list }), form, 0.5));
    assert.deepEqual(left[keyOf(form)], [user('last')], 'the image alone is not half of the prompt');
  });
}

test('what is estimated grows with the messages and with the tools', () => {
  const messages = [user('x'.repeat(3_500))];
  const tools = [{ type: 'function', function: { name: 'x'.repeat(3_500) } }];
  const alone = estimatedTokens(bodyOf({ messages }), 'chat');
  assert.ok(alone >= 1_000 && alone < 1_100, String(alone));
  assert.ok(estimatedTokens(bodyOf({ messages, tools }), 'chat') >= alone + 1_000);
  assert.equal(estimatedTokens(bodyOf({ input: 'x'.repeat(3_500) }), 'responses'), 1_001);
});

test('tools go with all that says how to choose one, and nothing else changes a byte', () => {
  const body = Buffer.from(
    '{ "tools" : [1], "a":1.0, "tool_choice":"auto","parallel_tool_calls":false ,"functions":[],"b":"\\u0041","function_call":"none", "tools":[2] }',
  );
  const lessened = withoutTools(body);
  assert.deepEqual(JSON.parse(lessened?.body.toString() ?? ''), { a: 1, b: 'A' });
  assert.match(lessened?.body.toString() ?? '', /"a":1\.0.*"b":"\\u0041"/);
  assert.equal(withoutTools(bodyOf({ messages: [{ tools: [] }] })), undefined);
  for (const keys of [['tools'], ['tools', 'x'], ['x', 'tools', 'tool_choice'], ['tool_choice', 'x', 'functions']]) {
    const left = withoutTools(bodyOf(Object.fromEntries(keys.map((key) => [key, 1]))));
    assert.deepEqual(
      Object.keys(jsonOf(left)),
      keys.filter((key) => key === 'x'),
    );
  }
});

test('the wish to think goes in the words of either protocol', () => {
  const left = jsonOf(withoutThinking(bodyOf({ think: true, thinking: { type: 'enabled' }, model: 'm' })));
  assert.deepEqual(left, { model: 'm' });
  assert.equal(withoutThinking(bodyOf({ model: 'm' })), undefined);
});

describe('a text stands where an image was', () => {
  const NOTE = '(an image was left out)';
  const text = { type: 'text', text: 'see' };
  for (const [form, message, left, count] of [
    [
      'chat',
      user([text, { type: 'image_url', image_url: { url: 'data:x' } }]),
      user([text, { type: 'text', text: NOTE }]),
      1,
    ],
    ['anthropic', user([{ type: 'image', source: {} }, text]), user([{ type: 'text', text: NOTE }, text]), 1],
    ['responses', user([{ type: 'input_image', image_url: 'x' }]), user([{ type: 'input_text', text: NOTE }]), 1],
    ['responses', assistant([{ type: 'input_image' }]), assistant([{ type: 'output_text', text: NOTE }]), 1],
    ['ollama', { role: 'user', content: 'a', images: ['x'] }, user('a'), 1],
    ['ollama', { images: ['x', 'y'], role: 'user', content: 'a' }, user('a'), 2],
  ] as const) {
    test(`${form}: ${JSON.stringify(message)}`, () => {
      const lessened = withoutImages(bodyOf({ [keyOf(form)]: [user('before'), message, user('behind')] }), form);
      assert.deepEqual(jsonOf(lessened)[keyOf(form)], [user('before'), left, user('behind')]);
      assert.equal(lessened?.count, count, 'counts images');
    });
  }

  test('also inside what a tool gave back', () => {
    const result = [{ type: 'tool_result', tool_use_id: 't', content: [{ type: 'image', source: {} }] }];
    assert.doesNotMatch(
      String(withoutImages(bodyOf({ messages: [user(result)] }), 'anthropic')?.body ?? '"image"'),
      /"image"/,
    );
    const output = { type: 'function_call_output', call_id: 'c', output: [{ type: 'input_image', image_url: 'x' }] };
    assert.doesNotMatch(
      String(withoutImages(bodyOf({ input: [output] }), 'responses')?.body ?? 'input_image'),
      /input_image/,
    );
  });

  test('where there is none, nothing changes', () => {
    for (const form of FORMS)
      assert.equal(withoutImages(bodyOf({ [keyOf(form)]: [user('image_url'), user([text])] }), form), undefined);
    assert.equal(withoutImages(bodyOf({ messages: [{ role: 'user', images: [] }] }), 'ollama'), undefined);
  });
});

test('a prompt that stands alone loses its images and nothing else', () => {
  const body = Buffer.from('{"model":"m", "images":["aGk="] ,"prompt":"x"}');
  assert.equal(withoutImages(body, 'generate')?.body.toString(), '{"model":"m" ,"prompt":"x"}');
  assert.equal(withoutOldestTurns(body, 'generate', 1), undefined);
});

test('what stands beside the messages counts: more of them has to go where it is large', () => {
  const turns = Array.from({ length: 10 }, (_, n) => ({ role: 'user', content: `${n}${'x'.repeat(100)}` }));
  const left = (beside: object) =>
    withoutOldestTurns(Buffer.from(JSON.stringify({ messages: turns, ...beside })), 'anthropic', 0.3)?.count ?? 0;
  assert.ok(left({ system: 'y'.repeat(1000) }) > left({}), `${left({ system: 'y'.repeat(1000) })} ${left({})}`);
});
