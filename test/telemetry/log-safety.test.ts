import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { EndpointFailure } from '../../src/errors.ts';
import type { Log, LogFormat } from '../../src/telemetry/log.ts';
import { endpointCalled, type Facts, linesOf, recordOf, sentTo } from './log-records.ts';

const FORMATS: readonly LogFormat[] = ['pretty', 'json'];
/** What ends a line, steers a terminal, turns the order of what is shown, or is half a character. */
const DANGEROUS = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

function lineOf(facts: Facts, format: LogFormat = 'pretty', secrets: readonly string[] = []): string {
  const [line = '', ...others] = linesOf((log) => log.request(recordOf(facts)), { format, secrets });
  assert.deepEqual(others, []);
  return line;
}

function failing(message: string): Facts {
  return { outcome: 'upstream_error', status: 502, fields: { error: { code: undefined, message } } };
}

const nasty = fc.constantFrom(
  '\n',
  '\r',
  '\u0085',
  '\u2028',
  '\u2029',
  '\u001b[2J',
  '\u202e',
  '\ud800',
  '\u0000',
  '"',
  '\\',
  ' → ',
);
const text = fc
  .array(fc.oneof(nasty, fc.string({ unit: 'binary' }), fc.string()), { maxLength: 8 })
  .map((all) => all.join(''));

test('no text of a client or an endpoint leaves its line, steers a terminal or breaks JSON', () => {
  const texts = fc.record({ id: text, method: text, path: text, agent: text, address: text, key: text });
  fc.assert(
    fc.property(texts, text, text, fc.constantFrom(...FORMATS), (facts, model, message, format) => {
      const fields = { model, route: model, decision: sentTo(model, model, 1), error: { code: model, message } };
      const all = linesOf(
        (log) => {
          log.request(recordOf({ ...facts, fields, tried: [model], outcome: 'upstream_error' }));
          log.answerFailed(endpointCalled(model), new EndpointFailure('broken', message));
          log.digestsDiffer(model, [[model, message]]);
          log.storeChanged({ status: 'error', detail: message });
          log.fault(new Error(message));
          log.told('info', message);
        },
        { format, secrets: ['secret-of-the-router'] },
      );
      assert.equal(all.length, 6);
      for (const line of all) {
        assert.doesNotMatch(line, DANGEROUS);
        assert.ok(line.length < 8_000);
        if (format === 'json') assert.ok(JSON.parse(line).ts);
      }
    }),
    { numRuns: 500 },
  );
});

for (const [model, written] of [
  ['m → gpu-z 0.1s', '"m → gpu-z 0.1s"'],
  ['a\n2026-07-01T14:05:31.000Z r-1 200 /', '"a\\n2026-07-01T14:05:31.000Z r-1 200 /"'],
  ['\u001b[31mred', '"\\u001b[31mred"'],
  ['a\u2028b\u0085c', '"a\\u2028b\\u0085c"'],
  ['gpu\u202egnp', '"gpu\\u202egnp"'],
  ['say "hi"', '"say \\"hi\\""'],
  ['', '""'],
  ['модель', '"модель"'],
  ['hf.co/org/repo:Q4_K_M', 'hf.co/org/repo:Q4_K_M'],
] as const) {
  test(`a model called ${JSON.stringify(model)} is one word of its line`, () => {
    assert.equal(lineOf({ fields: { model } }), `2026-07-01T14:05:31.000Z r-81ee 200 /api/chat ${written} 1.5s aider`);
    assert.equal(JSON.parse(lineOf({ fields: { model } }, 'json')).model, model === '' ? undefined : model);
  });
}

test('texts have a greatest length', () => {
  const long = 'x'.repeat(100_000);
  const facts = { ...failing(long), path: `/${long}`, agent: long, id: long };
  const line = JSON.parse(lineOf({ ...facts, fields: { ...facts.fields, model: long } }, 'json'));
  const lengths = ['path', 'model', 'agent', 'req_id', 'err'].map((key) => line[key].length);
  assert.deepEqual(lengths, [200, 120, 80, 80, 300]);
  assert.ok(line.err.endsWith('x…'));
});

const SECRETS = ['router-key-1234567', 'k"ey/with+odd=signs', 'abc'];

for (const [said, written] of [
  ['bad key router-key-1234567!', 'bad key ***!'],
  ['{"key":"k\\"ey/with+odd=signs"}', '{"key":"***"}'],
  [`GET /?k=${encodeURIComponent('k"ey/with+odd=signs')}`, 'GET /?k=***'],
  [`got ${Buffer.from(':router-key-1234567').toString('base64')}`, 'got ***'],
  ['Basic dXNlcjpwYXNzd29yZA==', 'Basic ***'],
  ['\n\n first words', 'first words'],
  ['abc is no key, abcdef is a word', '*** is no key, abcdef is a word'],
  ['Incorrect API key provided: sk-ab12c***********wxyz.', 'Incorrect API key provided: ***.'],
  ['got authorization: Bearer eyJhbGciOi.J9-_.x', 'got authorization: Bearer ***'],
  ['header "x-api-key": "12345"', 'header "x-api-key": "***"'],
  ['connect http://me:pw@gpu-a:11434 failed', 'connect http://***@gpu-a:11434 failed'],
  ['no route /k/0123456789/api/chat', 'no route /k/***/api/chat'],
  ['token eyJhbGciOi.eyJzdWIi.c2ln is old', 'token *** is old'],
  ['max_tokens: 300 is too many tokens', 'max_tokens: 300 is too many tokens'],
] as const) {
  test(`what says ${JSON.stringify(said)} is told without its keys`, () => {
    for (const format of FORMATS) {
      const line = lineOf(failing(said), format, SECRETS);
      assert.ok(line.includes(format === 'json' ? JSON.stringify(written) : `upstream_error: ${written}`), line);
    }
  });
}

test('a key of the configuration is told nowhere, wherever it comes', () => {
  const [key = ''] = SECRETS;
  const everywhere = (log: Log) => {
    const fields = { model: key, route: key, decision: sentTo(key, key, 1), error: { code: key, message: key } };
    log.request(recordOf({ id: key, path: `/${key}`, agent: key, key, tried: [key], fields, outcome: 'router_error' }));
    log.answerFailed(endpointCalled('a'), new EndpointFailure('broken', key));
    log.endpointChanged({ endpoint: endpointCalled('a'), health: 'unreachable', findings: undefined, detail: key });
    log.digestsDiffer(key, [['a', key]]);
    log.storeChanged({ status: 'error', detail: key });
    log.fault(new Error(key, { cause: new Error(key) }));
    log.fault(key);
    log.told('info', key);
  };
  for (const format of FORMATS) {
    const lines = linesOf(everywhere, { format, secrets: SECRETS });
    assert.equal(lines.length, 8);
    for (const line of lines) assert.ok(!line.includes(key.slice(0, 12)), line);
  }
});

test('no part of a key is told where a text is cut', () => {
  const key = 'q'.repeat(40);
  for (let before = 0; before < 1_300; before += 7) {
    const line = lineOf(failing(`${'- '.repeat(before)}${key} ${key.repeat(30)}${key.slice(0, 20)}`), 'pretty', [key]);
    assert.doesNotMatch(line, /q/);
  }
});

for (const said of [
  `[{'type': 'missing', 'loc': ('body', 'messages'), 'msg': 'Field required', 'input': {'x': 'PROMPT'}}]`,
  `1 validation error: prompt Input should be a valid list [type=list_type, input_value='PROMPT', input_type=str]`,
  'Failed to parse messages: bad role; messages = ["PROMPT"]',
  'cannot read {"model":"m","messages":[{"role":"user","content":"PROMPT"}]}',
  'bad request\nPROMPT',
  '\n\nbad request\u2028PROMPT',
  `Unexpected token 'P', "PROMPT" is not valid JSON`,
  `Unexpected token 'x', ..."the "PROMPT"... is not valid JSON`,
  `Unexpected token 'x', ..."PROMPT\n", "b"... is not valid JSON`,
  `${'x '.repeat(200)}PROMPT`,
]) {
  test(`the prompt in ${JSON.stringify(said.slice(0, 60))} is not told`, () => {
    for (const format of FORMATS) assert.doesNotMatch(lineOf(failing(said), format), /PROMPT/);
  });
}
