import assert from 'node:assert/strict';
import { asArray, asObject, type JsonObject } from '../../../src/domain/json.ts';
import { splitEvents } from '../../../src/protocols/sse.ts';

/** What the deltas of each type add to, and the blocks that may have them. */
const DELTAS: Readonly<Record<string, readonly [block: string, member: string, delta: string]>> = {
  text_delta: ['text', 'text', 'text'],
  thinking_delta: ['thinking', 'thinking', 'thinking'],
  signature_delta: ['thinking', 'signature', 'signature'],
  input_json_delta: ['tool_use', 'json', 'partial_json'],
};

/** The events of a stream; each must say its type twice and stand on one line. */
export function eventsOf(stream: string): JsonObject[] {
  return splitEvents(stream).map(({ raw, data }) => {
    const event: JsonObject = JSON.parse(data);
    assert.equal(raw, `event: ${event['type']}\ndata: ${data}\n\n`);
    return event;
  });
}

/** Puts a stream together as Anthropic's clients do; asserts the order that they rely on. */
export function readMessage(stream: string): JsonObject {
  const [first, ...rest] = eventsOf(stream);
  assert.equal(first?.['type'], 'message_start');
  const message = asObject(first?.['message']) ?? {};
  assert.deepEqual([message['content'], message['stop_reason']], [[], null]);
  const content: JsonObject[] = [];
  let open: JsonObject | undefined;
  for (const event of rest.slice(0, -2)) {
    const { type, index } = event;
    if (type === 'content_block_start') {
      assert.equal(open, undefined, 'a block begins inside another one');
      assert.equal(index, content.length);
      open = { ...asObject(event['content_block']) };
      content.push(open);
    } else {
      assert.ok(open !== undefined, `${type} outside of a block`);
      assert.equal(index, content.length - 1);
      if (type === 'content_block_stop') open = undefined;
      else addDelta(open, asObject(event['delta']) ?? {});
    }
  }
  assert.equal(open, undefined, 'the last block is closed');
  const [delta, stop] = rest.slice(-2);
  assert.deepEqual([delta?.['type'], stop], ['message_delta', { type: 'message_stop' }]);
  return { ...message, content: content.map(whole), ...asObject(delta?.['delta']), usage: delta?.['usage'] };
}

function addDelta(block: JsonObject, delta: JsonObject): void {
  const [type, member, name] = DELTAS[String(delta['type'])] ?? assert.fail(`delta ${delta['type']}`);
  assert.equal(block['type'], type);
  assert.equal(typeof delta[name], 'string');
  block[member] = `${block[member] ?? ''}${delta[name]}`;
}

/** A call's input is in its fragments. */
function whole({ json, ...block }: JsonObject): JsonObject {
  if (block['type'] !== 'tool_use') return block;
  assert.deepEqual(block['input'], {});
  return { ...block, input: JSON.parse(String(json)) };
}

/** The message without the ids that were made up. */
export function masked(message: JsonObject): JsonObject {
  const content = asArray(message['content']).map((block) => {
    const { id, ...rest } = asObject(block) ?? {};
    return id === undefined ? rest : { ...rest, id: String(id).replace(/^toolu_[a-z0-9]{24}$/, 'toolu_new') };
  });
  return { ...message, id: String(message['id']).replace(/^msg_[a-z0-9]{24}$/, 'msg_new'), content };
}
