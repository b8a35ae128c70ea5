import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Call, renderPrompt } from '../../src/simulator/call.ts';
import { completeModel } from '../../src/simulator/model.ts';
import { planAnswer } from '../../src/simulator/plan.ts';
import { commonPrefixTokens, countTokens, embedding } from '../../src/simulator/text.ts';

const weather = {
  name: 'weather',
  parameters: { type: 'object', properties: { city: { type: 'string' }, days: { type: 'integer' } } },
};

function call(text: string, fields: Partial<Call> = {}): Call {
  const messages = [{ role: 'user', text, images: 0 }];
  return {
    model: completeModel({ name: 'm', capabilities: ['completion', 'tools', 'thinking'] }, 'openai'),
    prompt: renderPrompt(messages),
    messages,
    tools: [],
    toolChoice: 'auto',
    think: false,
    stop: [],
    maxTokens: Number.POSITIVE_INFINITY,
    ...fields,
  };
}

function said(plan: ReturnType<typeof planAnswer>): string {
  return plan.pieces.map((piece) => (piece.type === 'text' ? piece.text : '')).join('');
}

test('the same call has the same answer, another text another one', () => {
  assert.deepEqual(planAnswer(call('hello')), planAnswer(call('hello')));
  assert.notEqual(said(planAnswer(call('hello'))), said(planAnswer(call('hello there'))));
  assert.notEqual(said(planAnswer(call('hello'))), said(planAnswer(call('hello', { seed: 7 }))));
});

test('an answer is as long as the last user message orders, and no longer than its limit', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 300 }), (ordered, limit) => {
      const plan = planAnswer(call(`say ${ordered} tokens`, { maxTokens: limit }));
      assert.equal(plan.pieces.length, Math.min(ordered, limit));
      assert.equal(plan.reason, limit < ordered ? 'length' : 'stop');
    }),
  );
});

test('a stop text ends the answer before it', () => {
  const whole = said(planAnswer(call('say 50 tokens')));
  fc.assert(
    fc.property(fc.integer({ min: 0, max: whole.length - 3 }), (at) => {
      const stop = whole.slice(at, at + 3);
      assert.equal(
        said(planAnswer(call('say 50 tokens', { stop: ['never there', stop] }))),
        whole.slice(0, whole.indexOf(stop)),
      );
    }),
  );
});

test('a tool is called where the last user message orders it, with arguments that fit its schema', () => {
  const plan = planAnswer(call('please call weather now', { tools: [weather] }));
  assert.deepEqual(
    [plan.pieces[0]?.type, plan.pieces[0]?.type === 'tool-call' && plan.pieces[0].name],
    ['tool-call', 'weather'],
  );
  const text = plan.pieces.map((piece) => (piece.type === 'tool-arguments' ? piece.text : '')).join('');
  const args = JSON.parse(text);
  assert.deepEqual([typeof args.city, Number.isInteger(args.days)], ['string', true]);
  assert.ok(plan.pieces.length > 2, 'the arguments come in several fragments');
});

test('no tool is called where none is ordered, where it is forbidden, and for a longer name', () => {
  for (const plan of [
    planAnswer(call('how is the weather', { tools: [weather] })),
    planAnswer(call('call weather', { tools: [weather], toolChoice: 'none' })),
    planAnswer(call('call weather_report', { tools: [weather] })),
  ]) {
    assert.ok(plan.pieces.every((piece) => piece.type === 'text'));
  }
});

test('a forced tool is called unasked', () => {
  for (const toolChoice of ['required', { name: 'weather' }] as const) {
    assert.equal(planAnswer(call('hello', { tools: [weather], toolChoice })).pieces[0]?.type, 'tool-call');
  }
});

test('reasoning comes first, and only where wanted', () => {
  const types = planAnswer(call('hello', { think: true })).pieces.map((piece) => piece.type);
  assert.deepEqual(types.slice(0, 6), [...Array(5).fill('reasoning'), 'text']);
  assert.ok(!planAnswer(call('hello')).pieces.some((piece) => piece.type === 'reasoning'));
});

test('an answer held to a schema satisfies it', () => {
  const schema = {
    type: 'object',
    properties: { mood: { enum: ['good', 'bad'] }, tags: { type: 'array', items: { type: 'string' } } },
  };
  const value = JSON.parse(said(planAnswer(call('hello', { schema }))));
  assert.ok(['good', 'bad'].includes(value.mood));
  assert.equal(typeof value.tags[0], 'string');
  assert.equal(typeof JSON.parse(said(planAnswer(call('hello', { schema: true })))), 'object');
});

test('a text shares all its whole tokens with its continuation', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (text, more) => {
      assert.equal(commonPrefixTokens(text, text + more), Math.floor(text.length / 4));
      assert.ok(countTokens(text) >= commonPrefixTokens(text, more));
    }),
  );
});

test('texts with common words have vectors that lie closer', () => {
  const [a, b, c] = ['how is the weather today', 'how is the weather tomorrow', 'bake me seven cakes'].map((text) =>
    embedding(text, 64),
  );
  const cosine = (x: readonly number[] = [], y: readonly number[] = []) =>
    x.reduce((sum, v, i) => sum + v * (y[i] ?? 0), 0);
  assert.ok(cosine(a, b) > cosine(a, c) + 0.2);
});
