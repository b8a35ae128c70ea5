import type { RawJson } from '../../domain/ask.ts';
import { objectText, text } from '../json/write.ts';
import { type Block, type Blocks, blockText, invalidArguments, isOver } from './answer-blocks.ts';
import { event } from './events.ts';

/** Writes the blocks of a message as events, one block after the other: what belongs to a later one waits. */
export class BlockStream {
  readonly #blocks: Blocks;
  /** The place of the block that is being sent. */
  #at = 0;
  #isOpen = false;

  constructor(blocks: Blocks) {
    this.#blocks = blocks;
  }

  /** What can be sent by now. */
  flow(): string {
    let out = '';
    for (let block = this.#current(); block !== undefined; block = this.#current()) {
      // A call is of no use to a client before it has its name.
      if (block.type === 'tool_use' && block.name === '') break;
      out += this.#said(block);
      if (this.#at === this.#blocks.all.length - 1 || !isOver(block)) break;
      out += this.#close(block);
    }
    return out;
  }

  /** The rest, at the end of the answer. Throws `Refusal` where a call went on that had seemed complete. */
  end(): string {
    let out = '';
    for (let block = this.#current(); block !== undefined; block = this.#current())
      out += this.#said(block) + this.#close(block);
    for (const block of this.#blocks.all)
      if (block.type === 'tool_use' && block.unsent.trim() !== '') throw invalidArguments(block.name);
    return out;
  }

  #current(): Block | undefined {
    return this.#blocks.all[this.#at];
  }

  #said(block: Block): string {
    const start = this.#isOpen ? '' : this.#event('content_block_start', 'content_block', blockText(block, false));
    this.#isOpen = true;
    if (block.unsent === '') return start;
    const delta = this.#delta(block, block.unsent);
    block.unsent = '';
    return start + delta;
  }

  #delta({ type }: Block, words: string): string {
    switch (type) {
      case 'text':
        return this.#deltaEvent('text_delta', 'text', words);
      case 'thinking':
        return this.#deltaEvent('thinking_delta', 'thinking', words);
      case 'tool_use':
        return this.#deltaEvent('input_json_delta', 'partial_json', words);
    }
  }

  #close(block: Block): string {
    const last = this.#lastDelta(block);
    const stop = event('content_block_stop', { index: text(this.#at) });
    this.#at++;
    this.#isOpen = false;
    return last + stop;
  }

  #lastDelta(block: Block): string {
    // Clients keep thoughts that have a signature, be it an empty one.
    if (block.type === 'thinking') return this.#deltaEvent('signature_delta', 'signature', '');
    return block.type === 'tool_use' && block.arguments.trim() === '' ? this.#delta(block, '{}') : '';
  }

  #deltaEvent(type: string, member: string, words: string): string {
    return this.#event('content_block_delta', 'delta', objectText({ type: text(type), [member]: text(words) }));
  }

  #event(type: string, member: string, json: RawJson): string {
    return event(type, { index: text(this.#at), [member]: json });
  }
}
