import assert from 'node:assert/strict';
import type { AnswerEvent } from '../../../src/domain/answer.ts';
import type { RawJson } from '../../../src/domain/ask.ts';
import { asArray, asObject, type JsonObject } from '../../../src/domain/json.ts';
import { ResponsesEncoder } from '../../../src/protocols/responses/answer-encoder.ts';
import { type Body, callOf } from './asking.ts';

export const say = (text: string): AnswerEvent => ({ type: 'text-delta', text });
export const think = (text: string): AnswerEvent => ({ type: 'reasoning-delta', text });
export const logprob = (json: RawJson): AnswerEvent => ({ type: 'logprobs', json });
export const finish = (reason: 'stop' | 'length' | 'tool-calls'): AnswerEvent => ({ type: 'finish', reason });
export const usage: AnswerEvent = { type: 'usage', usage: { promptTokens: 7, completionTokens: 5 } };
export const call = (index: number, id: string | undefined, name: string | undefined, json: string): AnswerEvent => ({
  type: 'tool-call-delta',
  index,
  id,
  name,
  arguments: json,
});

/** The text of a stream, each batch of events in one push. */
export function streamText(batches: readonly (readonly AnswerEvent[])[], body: Exclude<Body, string> = {}): string {
  const encoder = new ResponsesEncoder(callOf({ ...body, stream: true }));
  return batches.map((events) => encoder.push(events)).join('') + encoder.end();
}

/** The data of a stream's events, whose names were checked against them, without the number that each has. */
export function eventsIn(text: string): JsonObject[] {
  assert.ok(text.endsWith('\n\n'));
  return text
    .slice(0, -2)
    .split('\n\n')
    .map((event, place) => {
      const found = /^event: (\S+)\ndata: ([^\n]*)$/.exec(event);
      const { sequence_number, ...data } = asObject(JSON.parse(found?.[2] ?? '')) ?? {};
      assert.deepEqual([data['type'], sequence_number], [found?.[1], place]);
      return data;
    });
}

export function streamed(batches: readonly (readonly AnswerEvent[])[], body: Exclude<Body, string> = {}): JsonObject[] {
  return eventsIn(streamText(batches, body));
}

export function whole(events: readonly AnswerEvent[], body: Body = {}): JsonObject {
  const encoder = new ResponsesEncoder(callOf(body));
  for (const event of events) assert.equal(encoder.push([event]), '');
  const text = encoder.end();
  assert.ok(!text.includes('\n'));
  return asObject(JSON.parse(text)) ?? {};
}

export function outputOf(response: unknown): JsonObject[] {
  return asArray(asObject(response)?.['output']).map((item) => asObject(item) ?? {});
}

/** Ids and times are another each time. */
export function unmarked(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value)
      .replace(/"(resp|rs|msg|fc|call)_[a-z0-9]{24}"/g, '"$1_*"')
      .replace(/("\w+_at"):\d+/g, '$1:0'),
  );
}
