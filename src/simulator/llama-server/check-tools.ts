import { type Body, isObject } from '../openai/body.ts';
import { ApiFailure } from '../openai/failure.ts';
import { elementsOf, missingKey, noMembers, wrongType } from './json-error.ts';

/** Refuses tools that cannot be read. */
export function checkTools(tools: unknown): void {
  if (tools === undefined || tools === null) return;
  const wrong = wrongTools(tools);
  if (wrong === undefined) return;
  throw new ApiFailure(500, `Failed to parse tools: ${wrong}; tools = ${JSON.stringify(tools, null, 2)}`);
}

function wrongTools(tools: unknown): string | undefined {
  if (!Array.isArray(tools)) return `Expected 'tools' to be an array, got ${JSON.stringify(tools)}`;
  return tools.map(wrongTool).find((wrong) => wrong !== undefined);
}

function wrongTool(tool: unknown): string | undefined {
  const shown = JSON.stringify(tool);
  if (!isObject(tool) || tool['type'] === undefined) return `Missing tool type: ${shown}`;
  if (tool['type'] !== 'function') return `Unsupported tool type: ${shown}`;
  const { function: fn } = tool;
  if (fn === undefined) return `Missing tool function: ${shown}`;
  if (!isObject(fn)) return noMembers(fn);
  return wrongText(fn, 'name');
}

/** What is wrong with the calls of tools in a message; undefined: nothing. */
export function wrongCalls(calls: unknown): string | undefined {
  return elementsOf(calls)
    .map(wrongCall)
    .find((wrong) => wrong !== undefined);
}

function wrongCall(call: unknown): string | undefined {
  const shown = JSON.stringify(call);
  if (!isObject(call) || call['type'] === undefined) return `Missing tool call type: ${shown}`;
  if (call['type'] !== 'function') return `Unsupported tool call type: ${shown}`;
  const { function: fn } = call;
  if (fn === undefined) return `Missing tool call function: ${shown}`;
  if (!isObject(fn) || fn['name'] === undefined) return `Missing tool call name: ${shown}`;
  return wrongText(fn, 'name') ?? (fn['arguments'] === undefined ? missingKey('arguments') : undefined);
}

/** What is wrong with a member that must be a text. */
export function wrongText(object: Body, name: string): string | undefined {
  if (object[name] === undefined) return missingKey(name);
  return typeof object[name] === 'string' ? undefined : wrongType('string', object[name]);
}
