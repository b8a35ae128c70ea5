import type { AnswerEvent } from '../../domain/answer.ts';
import type { RawJson } from '../../domain/ask.ts';
import { randomId } from '../../domain/random-id.ts';
import { Refusal } from '../../errors.ts';
import { objectText, text } from '../json/write.ts';
import { argumentsObject } from '../tool-arguments.ts';

/** A block of a message's content, with what of it was not sent yet. */
export type Block = Words | ToolUse;

interface Words {
  readonly type: 'text' | 'thinking';
  unsent: string;
}

interface ToolUse {
  readonly type: 'tool_use';
  id: string | undefined;
  name: string;
  /** All fragments so far. */
  arguments: string;
  unsent: string;
  /** Where in its arguments the last fragment left off. */
  readonly nesting: Nesting;
}

/** How deep in objects and arrays a JSON text is that comes in fragments: only at its end is it worth parsing. */
class Nesting {
  #depth = 0;
  #inString = false;
  #escaped = false;

  get isClosed(): boolean {
    return this.#depth === 0;
  }

  push(fragment: string): void {
    for (const c of fragment) {
      if (this.#escaped) this.#escaped = false;
      else if (c === '\\') this.#escaped = this.#inString;
      else if (c === '"') this.#inString = !this.#inString;
      else if (!this.#inString) this.#depth += DEPTHS[c] ?? 0;
    }
  }
}

const DEPTHS: Readonly<Record<string, number>> = { '{': 1, '[': 1, '}': -1, ']': -1 };

type ToolCallDelta = Extract<AnswerEvent, { type: 'tool-call-delta' }>;

/** The blocks of a message in the order in which they began; fragments of calls that come at once are sorted by index. */
export class Blocks {
  readonly all: Block[] = [];
  readonly #calls = new Map<number, ToolUse>();

  get callsTools(): boolean {
    return this.#calls.size > 0;
  }

  say(type: Words['type'], words: string): void {
    if (words === '') return;
    const last = this.all.at(-1);
    if (last?.type === type) last.unsent += words;
    else this.all.push({ type, unsent: words });
  }

  call({ index, id, name, arguments: fragment }: ToolCallDelta): void {
    const call = this.#calls.get(index) ?? this.#begin(index);
    call.id ??= id;
    if (call.name === '') call.name = name ?? '';
    call.arguments += fragment;
    call.unsent += fragment;
    call.nesting.push(fragment);
  }

  #begin(index: number): ToolUse {
    const call: ToolUse = {
      type: 'tool_use',
      id: undefined,
      name: '',
      arguments: '',
      unsent: '',
      nesting: new Nesting(),
    };
    this.#calls.set(index, call);
    this.all.push(call);
    return call;
  }
}

/** Whether nothing can follow in this block once another one has begun. */
export function isOver(block: Block): boolean {
  return (
    block.type !== 'tool_use' ||
    (block.nesting.isClosed && block.arguments.trim() !== '' && argumentsObject(block.arguments) !== undefined)
  );
}

/** The block as it begins in a stream; as a whole one where nothing of it was sent. */
export function blockText(block: Block, isWhole: boolean): RawJson {
  const type = text(block.type);
  const words = text(isWhole ? block.unsent : '');
  switch (block.type) {
    case 'text':
      return objectText({ type, text: words });
    case 'thinking':
      return objectText({ type, thinking: words, signature: text('') });
    case 'tool_use': {
      const id = text(block.id ?? randomId('toolu_'));
      return objectText({ type, id, name: text(block.name), input: isWhole ? checkedInput(block) : '{}' });
    }
  }
}

/** Throws `Refusal` for arguments that are no JSON object. */
function checkedInput({ name, arguments: json }: ToolUse): RawJson {
  const input = argumentsObject(json);
  if (input === undefined) throw invalidArguments(name);
  return input;
}

/** What is said of a call that no client could make. */
export function invalidArguments(name: string): Refusal {
  return new Refusal(502, `invalid tool call arguments for "${name}"`);
}
