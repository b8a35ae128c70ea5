import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { EndpointFailure } from '../../../src/errors.ts';
import type { Call } from '../../../src/protocols/call.ts';
import { bytesOf, feed, feedEveryWay } from '../feeding.ts';
import { pipeFor, rankCall } from './ranking-calls.ts';

/** What the client is sent, whatever the cuts; ids, which are made up, are hidden. */
function answered(call: Call, answer: string): string {
  const mask = (text: string) => text.replace(/rerank-[a-z0-9]{24}/, 'rerank-…');
  const { text, error } = feedEveryWay(() => pipeFor(call), answer, 'end', mask);
  assert.equal(error, undefined);
  return Buffer.from(text.replace('…', bytesOf('…')), 'latin1').toString();
}

const DOCUMENTS = { documents: ['né', 'b "q"', { text: 'c', id: 7 }, { title: 't' }] };
const USAGE = '"usage":{"prompt_tokens":3,"total_tokens":5}';
const results = (...each: string[]) => `{ "model":"m","object":"list", ${USAGE} ,"results":[ ${each.join(' , ')} ] }\n`;
const SCORED = results(
  '{"index":1,"relevance_score":1.50}',
  '{ "index":0 , "relevance_score":-2e-3 }',
  '{"index":2,"relevance_score":0.10000000000000000001}',
);

test('2.6 an answer passes byte for byte', () => {
  for (const more of [{}, { return_documents: false }, { return_documents: null }, { return_documents: 'yes' }])
    assert.equal(answered(rankCall({ ...DOCUMENTS, ...more }), SCORED), SCORED);
});

test('2.6 documents that were asked for and did not come are filled in by index', () => {
  assert.equal(
    answered(rankCall({ ...DOCUMENTS, return_documents: true }), SCORED),
    results(
      '{"index":1,"relevance_score":1.50,"document":{"text":"b \\"q\\""}}',
      '{ "index":0 , "relevance_score":-2e-3,"document":{"text":"né"} }',
      '{"index":2,"relevance_score":0.10000000000000000001,"document":{"text":"c"}}',
    ),
  );
});

test('2.6 documents that came stay, and one of nowhere has none', () => {
  const given = results('{"index":0,"document":{"text":"x","multi_modal":null}}', '{"index":9}', '{}', '1');
  assert.equal(answered(rankCall({ ...DOCUMENTS, return_documents: true }), given), given);
  assert.equal(
    answered(rankCall({ ...DOCUMENTS, return_documents: true }), results('{"index":3,"document":null}')),
    results('{"index":3,"document":null,"document":{"title":"t"}}'),
  );
});

test("2.6 Cohere's clients get an id and meta where there is none", () => {
  const meta = '"meta":{"api_version":{"version":"2"},"billed_units":{"search_units":1}}';
  const call = rankCall({ ...DOCUMENTS, return_documents: true }, '/v2/rerank');
  assert.equal(
    answered(call, '{"results":[{"index":0}]}').replace(/rerank-…/, 'x'),
    `{"results":[{"index":0,"document":{"text":"né"}}],"id":"x",${meta}}`,
  );
  assert.equal(answered(call, '{"id":"7","results":[]}'), `{"id":"7","results":[],${meta}}`);
  const whole = '{"id":"7","results":[],"meta":{}}';
  assert.equal(answered(call, whole), whole);
  const [one, two] = [1, 2].map(() => JSON.parse(feed(pipeFor(call), [Buffer.from('{"results":[]}')]).text).id);
  assert.notEqual(one, two);
});

const TEI = { texts: ['né', 'b "q"', 'c'] };

test("2.6 TEI's clients get a bare array, the best first, scores to the digit", () => {
  const bare = '[{"index":1,"score":1.50},{"index":2,"score":0.10000000000000000001},{"index":0,"score":-2e-3}]';
  assert.equal(answered(rankCall(TEI), SCORED), bare);
  const scores = results('{"index":2,"score":1}', '{"score":2,"index":0}');
  assert.equal(
    answered(rankCall({ ...TEI, return_text: true }), scores),
    '[{"index":0,"score":2,"text":"né"},{"index":2,"score":1,"text":"c"}]',
  );
});

test("2.6 TEI's own array passes, with the texts that were asked for and did not come", () => {
  const bare = ' [ {"index":1,"score":1.50} , {"index":0,"score":-2e-3, "text":"né"} ]';
  assert.equal(answered(rankCall(TEI), bare), bare);
  assert.equal(answered(rankCall({ ...DOCUMENTS, return_text: true }), bare), bare);
  assert.equal(
    answered(rankCall({ ...TEI, return_text: true }), bare),
    bare.replace('1.50', '1.50,"text":"b \\"q\\""'),
  );
});

test('1.3 the answer has the name that the client wrote', () => {
  const pipe = pipeFor(rankCall({ ...DOCUMENTS }), 'vllm', { client: 'Mine', upstream: 'm' });
  assert.equal(feed(pipe, [Buffer.from(SCORED)]).text, bytesOf(SCORED.replace('"m"', '"Mine"')));
});

for (const [answer, expected] of [
  [SCORED, { promptTokens: 3, completionTokens: 0 }],
  ['{"results":[],"usage":{"total_tokens":5}}', { promptTokens: 5, completionTokens: 0 }],
  ['{"results":[]}', undefined],
  ['[]', undefined],
] as const) {
  test(`2.6 the tokens of ${answer.slice(0, 50)} are counted`, () => {
    for (const body of [DOCUMENTS, TEI]) {
      const pipe = pipeFor(rankCall(body));
      feed(pipe, [Buffer.from(answer)]);
      assert.deepEqual(pipe.usage, expected);
    }
  });
}

test('2.6 an object that is no ranking passes, but to a client that could not read it', () => {
  for (const answer of ['{}', '{"results":null}', '{"results":[{"index":0}]}', '{"results":[{"relevance_score":1}]}']) {
    assert.equal(answered(rankCall(DOCUMENTS), answer), answer);
    const { error } = feed(pipeFor(rankCall(TEI)), [Buffer.from(answer)]);
    assert.ok(error instanceof EndpointFailure && error.reason === 'invalid', `${answer}: ${error}`);
  }
});

test('an answer that is cut off is a failure that another endpoint can make up for', () => {
  for (const answer of [SCORED, '[{"index":1,"score":1.50}]\n']) {
    for (let end = 0; end < answer.length - 2; end++) {
      const { error, text } = feed(pipeFor(rankCall(TEI)), [Buffer.from(answer).subarray(0, end)]);
      assert.ok(error instanceof EndpointFailure && error.reason === 'broken' && text === '', `${end}: ${error}`);
    }
  }
});

test("2.6 TEI's clients read every score, sorted, whatever the endpoint's order", () => {
  const scores = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(scores, (given) => {
      const each = given.map((score, index) => `{"relevance_score":${score},"index":${index}}`);
      const call = rankCall({ texts: given.map(String), return_text: true });
      const got: { index: number; score: number; text: string }[] = JSON.parse(
        feed(pipeFor(call), [Buffer.from(results(...each))]).text,
      );
      assert.deepEqual(
        got.map(({ score }) => score),
        given.map((x) => x + 0).sort((a, b) => b - a),
      );
      for (const { index, score, text } of got)
        assert.deepEqual([score, text], [(given[index] ?? 0) + 0, String(given[index])]);
    }),
  );
});
