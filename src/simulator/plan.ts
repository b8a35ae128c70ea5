import type { Call, Message, ToolDeclaration } from './call.ts';
import { instanceOf } from './schema-instance.ts';
import { hash, splitTokens, textTokens } from './text.ts';

/** One token of an answer. */
export type Piece =
  | { readonly type: 'reasoning' | 'text'; readonly text: string }
  | { readonly type: 'tool-call'; readonly index: number; readonly id: string; readonly name: string }
  | { readonly type: 'tool-arguments'; readonly index: number; readonly text: string };

/** Everything a model will say to a call, decided before the first token. */
export interface Plan {
  readonly pieces: readonly Piece[];
  readonly reason: 'stop' | 'length';
}

/** The answer to a call; the same call has the same answer on every kind of endpoint. */
export function planAnswer(call: Call): Plan {
  const thoughts = call.think ? reasoning(call) : [];
  const calls = wantedTools(call);
  const said = calls.length > 0 ? calls.flatMap((tool, index) => toolPieces(call, tool, index)) : speech(call);
  const pieces = [...thoughts, ...said];
  const isCut = pieces.length > call.maxTokens;
  return { pieces: pieces.slice(0, call.maxTokens), reason: isCut ? 'length' : 'stop' };
}

function key(call: Call): string {
  return `${call.prompt}|${call.seed ?? ''}`;
}

function reasoning(call: Call): Piece[] {
  return textTokens(`thinking ${key(call)}`, call.model.reasoningTokens).map((text) => ({ type: 'reasoning', text }));
}

/** Tools that the last user message orders with `call <name>`; a forced choice falls back to the first. */
function wantedTools(call: Call): ToolDeclaration[] {
  if (call.toolChoice === 'none' || call.tools.length === 0) return [];
  const last = call.messages.at(-1);
  const ordered = last?.role === 'user' ? call.tools.filter((tool) => isOrdered(tool, last)) : [];
  if (ordered.length > 0 || call.toolChoice === 'auto') return ordered;
  const forced = call.toolChoice === 'required' ? call.tools[0] : toolNamed(call, call.toolChoice.name);
  return forced === undefined ? [] : [forced];
}

function isOrdered(tool: ToolDeclaration, message: Message): boolean {
  const at = message.text.indexOf(`call ${tool.name}`);
  return at >= 0 && !/[\w-]/.test(message.text[at + 5 + tool.name.length] ?? ' ');
}

function toolNamed(call: Call, name: string): ToolDeclaration | undefined {
  return call.tools.find((tool) => tool.name === name);
}

function toolPieces(call: Call, tool: ToolDeclaration, index: number): Piece[] {
  const text = JSON.stringify(instanceOf(tool.parameters, `${tool.name} ${key(call)}`) ?? {});
  const id = `call_${hash(`${index} ${tool.name} ${key(call)}`)
    .toString(16)
    .padStart(8, '0')}`;
  const fragments = text.match(/.{1,7}/gsu) ?? [];
  return [
    { type: 'tool-call', index, id, name: tool.name },
    ...fragments.map((fragment): Piece => ({ type: 'tool-arguments', index, text: fragment })),
  ];
}

function speech(call: Call): Piece[] {
  return stopped(speechTokens(call), call.stop).map((text) => ({ type: 'text', text }));
}

function speechTokens(call: Call): string[] {
  if (call.schema !== undefined) return splitTokens(JSON.stringify(instanceOf(call.schema, key(call))));
  const images = call.messages.reduce((sum, message) => sum + message.images, 0);
  const seen = images > 0 && call.model.capabilities.includes('vision') ? splitTokens(`I see ${images} image. `) : [];
  if (call.model.answer !== undefined) return [...seen, ...splitTokens(call.model.answer)];
  return [...seen, ...textTokens(key(call), orderedLength(call) ?? call.model.answerTokens)];
}

function orderedLength(call: Call): number | undefined {
  const text = call.messages.findLast((message) => message.role === 'user')?.text ?? '';
  const found = /\b(\d{1,6}) tokens\b/.exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}

/** The tokens before the first stop text. */
function stopped(tokens: readonly string[], stops: readonly string[]): string[] {
  const text = tokens.join('');
  const ends = stops.filter((stop) => stop !== '').map((stop) => text.indexOf(stop));
  const end = Math.min(text.length, ...ends.filter((at) => at >= 0));
  const kept: string[] = [];
  let length = 0;
  for (const token of tokens) {
    if (length >= end) break;
    kept.push(token.slice(0, end - length));
    length += token.length;
  }
  return kept;
}
