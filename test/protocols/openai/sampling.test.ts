import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chatCall, KINDS, sent, sentTo } from '../ollama/request-calls.ts';

/** What the options of a request become for L, V and O, beside its other fields. */
function sampled(options: string): (string | undefined)[] {
  const call = chatCall(`{"model":"m","messages":[{"role":"user"}],"stream":false,"options":${options}}`);
  const bare = KINDS.map((kind) => sent(chatCall('{"model":"m","messages":[{"role":"user"}],"stream":false}'), kind));
  return KINDS.map((kind, at) => {
    const whole = sent(call, kind);
    const [head = '', tail = ''] = (bare[at] ?? '').split('"stream":false,');
    assert.ok(whole.startsWith(`${head}"stream":false,`) && whole.endsWith(tail), whole);
    return whole.slice(head.length + '"stream":false,'.length, whole.length - tail.length).replace(/,$/, '');
  });
}

/** Contract 4.3, row by row: the option and what L, V and O are sent for it. */
const ROWS: readonly (readonly [string, string, string, string])[] = [
  ['"num_predict":7', '"max_tokens":7', '"max_tokens":7', '"max_tokens":7'],
  ['"num_predict":0', '"max_tokens":0', '', ''],
  ['"num_predict":-1', '', '', ''],
  ['"num_predict":-2', '', '', ''],
  ['"temperature":1.0', '"temperature":1.0', '"temperature":1.0', '"temperature":1.0'],
  ['"temperature":0', '"temperature":0', '"temperature":0', '"temperature":0'],
  ['"top_p":1e-7', '"top_p":1e-7', '"top_p":1e-7', '"top_p":1e-7'],
  ['"presence_penalty":-0.50', '"presence_penalty":-0.50', '"presence_penalty":-0.50', '"presence_penalty":-0.50'],
  ['"frequency_penalty":2', '"frequency_penalty":2', '"frequency_penalty":2', '"frequency_penalty":2'],
  ['"seed":9007199254740993', '"seed":9007199254740993', '"seed":9007199254740993', '"seed":9007199254740993'],
  ['"seed":0', '"seed":0', '"seed":0', '"seed":0'],
  ['"seed":-1', '', '', ''],
  ['"stop":["a","b"]', '"stop":["a","b"]', '"stop":["a","b"]', '"stop":["a","b"]'],
  [
    '"stop":["1","2","3","4","5"]',
    '"stop":["1","2","3","4","5"]',
    '"stop":["1","2","3","4","5"]',
    '"stop":["1","2","3","4"]',
  ],
  ['"stop":[]', '', '', ''],
  ['"top_k":40', '"top_k":40', '"top_k":40', ''],
  ['"min_p":0.05', '"min_p":0.05', '"min_p":0.05', ''],
  ['"typical_p":0.9', '"typical_p":0.9', '', ''],
  ['"repeat_penalty":1.1', '"repeat_penalty":1.1', '"repetition_penalty":1.1', ''],
  ['"repeat_last_n":64', '"repeat_last_n":64', '', ''],
  ['"repeat_last_n":0', '"repeat_last_n":0', '', ''],
  ['"repeat_last_n":-1', '', '', ''],
  ['"num_keep":4', '"n_keep":4', '', ''],
  ['"mirostat":2', '"mirostat":2', '', ''],
  ['"mirostat_tau":5.0', '"mirostat_tau":5.0', '', ''],
  ['"mirostat_eta":0.1', '"mirostat_eta":0.1', '', ''],
  ['"num_ctx":8192', '', '', ''],
  ['"num_batch":1,"num_gpu":1,"main_gpu":0,"num_thread":8', '', '', ''],
  ['"use_mmap":true,"draft_num_predict":4,"numa":false,"low_vram":true', '', '', ''],
  ['"tfs_z":1,"penalize_newline":true,"anything":{"a":[]}', '', '', ''],
  ['"temperature":null,"stop":null,"seed":null', '', '', ''],
  ['"Temperature":1', '', '', ''],
];

for (const [option, ...expected] of ROWS) {
  test(`4.3 ${option}`, () => assert.deepEqual(sampled(`{${option}}`), expected));
}

test('4.3 what is unset stays unset, and options may be null', () => {
  for (const options of ['{}', 'null']) assert.deepEqual(sampled(options), ['', '', '']);
});

test('4.3 an integer loses its fraction, as on Ollama, and a float keeps its text', () => {
  assert.deepEqual(sampled('{"num_predict":102.4}'), Array(3).fill('"max_tokens":102'));
  assert.deepEqual(sampled('{"top_k":1e1}').slice(0, 2), ['"top_k":10', '"top_k":10']);
});

const THINKS = [
  [true, { chat_template_kwargs: { enable_thinking: true } }, { chat_template_kwargs: { enable_thinking: true } }, {}],
  [
    false,
    { chat_template_kwargs: { enable_thinking: false }, reasoning_effort: 'none' },
    { chat_template_kwargs: { enable_thinking: false } },
    {},
  ],
  ...['low', 'medium', 'high'].map((level) => {
    const lenient = {
      chat_template_kwargs: { enable_thinking: true, reasoning_effort: level },
      reasoning_effort: level,
    };
    return [level, lenient, lenient, { reasoning_effort: level }] as const;
  }),
] as const;

for (const [think, ...expected] of THINKS) {
  test(`4.2 think ${JSON.stringify(think)}`, () => {
    KINDS.forEach((kind, at) => {
      const { chat_template_kwargs, reasoning_effort } = sentTo(kind, chatCall({ think }));
      assert.deepEqual(JSON.parse(JSON.stringify({ chat_template_kwargs, reasoning_effort })), expected[at], kind);
    });
  });
}

test('4.2 think "max" is high for O and max for L', () => {
  assert.equal(sentTo('openai', chatCall({ think: 'max' }))['reasoning_effort'], 'high');
  assert.equal(sentTo('llama-server', chatCall({ think: 'max' }))['reasoning_effort'], 'max');
});

test('4.2 without think nothing is said of it', () => {
  for (const kind of KINDS) {
    for (const body of [{}, { think: null }]) {
      const keys = Object.keys(sentTo(kind, chatCall(body)));
      assert.ok(!keys.includes('chat_template_kwargs') && !keys.includes('reasoning_effort'));
    }
  }
});
