import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnswerEvent } from '../../../src/domain/answer.ts';
import { type Message, textOf } from '../../../src/domain/ask.ts';
import { asObject } from '../../../src/domain/json.ts';
import { askOf } from './asking.ts';
import { call, finish, outputOf, say, streamed, think, whole } from './encoding.ts';

/** The same numbers from 0 to 1 for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const WORDS = ['a', '\n\n', '"', '\\', '😀', ' é', 'data: x', '[DONE]', '</think>', '\u2028', '{"'];

/** An answer as a model gives it: it may think, may speak, may call. */
interface Said {
  readonly reasoning: string;
  readonly text: string;
  readonly calls: readonly { readonly id: string; readonly name: string; readonly arguments: string }[];
}

function randomSaid(random: () => number): Said {
  const words = (most: number) =>
    Array.from({ length: Math.floor(random() * most) }, () => WORDS[Math.floor(random() * WORDS.length)]).join('');
  const calls = Array.from({ length: Math.floor(random() * 4) }, (_, place) => ({
    id: `call_${place}`,
    name: `f${place}`,
    arguments: JSON.stringify({ x: words(5) }),
  }));
  return { reasoning: words(4), text: words(6), calls };
}

/** Its events, texts cut anywhere and fragments of calls mixed. */
function eventsOf({ reasoning, text, calls }: Said, random: () => number): AnswerEvent[] {
  const open = calls.map((each, index) => ({ ...each, index, left: pieces(each.arguments, random) }));
  const fragments: AnswerEvent[] = open.map(({ index, id, name }) => call(index, id, name, ''));
  while (open.some(({ left }) => left.length > 0)) {
    const next = open[Math.floor(random() * open.length)];
    const fragment = next?.left.shift();
    if (next !== undefined && fragment !== undefined) fragments.push(call(next.index, undefined, undefined, fragment));
  }
  return [...pieces(reasoning, random).map(think), ...pieces(text, random).map(say), ...fragments, finish('stop')];
}

function pieces(text: string, random: () => number): string[] {
  const found: string[] = [];
  for (let at = 0; at < text.length; ) {
    const length = 1 + Math.floor(random() * 4);
    found.push(text.slice(at, at + length));
    at += length;
  }
  return found;
}

const partsOf = ({ reasoning = '', content, toolCalls }: Message): Said => ({
  reasoning,
  text: textOf(content),
  calls: toolCalls.map(({ id = '', name, arguments: json }) => ({ id, name, arguments: json })),
});

test('what an answer says comes back from the client as one message, whatever it says', () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = randomFrom(seed);
    const said = randomSaid(random);
    const events = eventsOf(said, random);
    const last = streamed(events.map((event) => [event])).at(-1);
    for (const output of [outputOf(whole(events)), outputOf(asObject(last?.['response']))]) {
      const { messages, dropped } = askOf({ input: [{ role: 'user', content: 'u' }, ...output] });
      assert.deepEqual(messages.slice(1).map(partsOf), [said], `answer ${seed}`);
      assert.deepEqual(dropped, []);
    }
  }
});
