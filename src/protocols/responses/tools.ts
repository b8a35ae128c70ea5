import type { RawJson, ToolChoice } from '../../domain/ask.ts';
import type { Fields } from '../json/fields.ts';
import { arrayText, objectText, text } from '../json/write.ts';
import { invalid, unsupported } from '../refuse.ts';
import { type FieldTable, leftOver } from './left-over.ts';

/** A function that the model may call, wherever in the request it stands. */
interface Tool {
  readonly name: string;
  readonly namespace: string | undefined;
  readonly json: RawJson;
  readonly dropped: readonly string[];
}

const FUNCTION_FIELDS: FieldTable = {
  known: new Set(['type', 'name', 'description', 'parameters', 'strict']),
  inert: new Map([['defer_loading', ['false']]]),
};

const NAMESPACE_FIELDS: FieldTable = {
  known: new Set(['type', 'name', 'tools']),
  inert: new Map([['description', ['""']]]),
};

/** The tools as chat completions have them; undefined where there are none. Throws `RouterError`. */
export function readTools(fields: Fields): { readonly json: RawJson | undefined; readonly dropped: readonly string[] } {
  const tools = toolsOf(fields);
  const names = new Set<string>();
  for (const { name } of tools) {
    if (names.has(name)) throw unsupported('tools', `tools: two functions are called ${JSON.stringify(name)}`);
    names.add(name);
  }
  const json = tools.length === 0 ? undefined : arrayText(tools.map((tool) => tool.json));
  return { json, dropped: tools.flatMap(({ dropped }) => dropped) };
}

/** Which functions stand in a namespace, and in which: an answer that calls one says it. */
export function namespacesOf(fields: Fields): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const { name, namespace } of toolsOf(fields)) if (namespace !== undefined) found.set(name, namespace);
  return found;
}

/** Undefined leaves the choice to the model. */
export function readToolChoice(fields: Fields, tools: RawJson | undefined): ToolChoice | undefined {
  const choice = choiceIn(fields);
  if (tools === undefined && choice !== undefined && choice !== 'auto' && choice !== 'none')
    throw invalid('tool_choice', 'tool_choice must be specified together with tools');
  return choice;
}

function choiceIn(fields: Fields): ToolChoice | undefined {
  const type = fields.type('tool_choice');
  if (type === undefined) return undefined;
  if (type !== 'object') {
    const mode = fields.string('tool_choice');
    if (mode === 'auto' || mode === 'none' || mode === 'required') return mode;
    throw invalid('tool_choice', `invalid tool_choice: ${fields.raw('tool_choice')}`);
  }
  const choice = fields.object('tool_choice', 'ResponsesToolChoice');
  const kind = choice?.string('type') ?? '';
  if (kind !== 'function')
    throw unsupported('tool_choice', `tool_choice of type ${JSON.stringify(kind)} is not supported`);
  const name = choice?.string('name') ?? '';
  if (name === '') throw invalid('tool_choice', 'tool_choice: missing name');
  return { name };
}

function toolsOf(fields: Fields): Tool[] {
  return fields.objects('tools', 'ResponsesTool').flatMap((tool, place) => {
    const at = `tools[${place}]`;
    if (tool.string('type') !== 'namespace') return [readFunction(tool, undefined, at)];
    const namespace = requiredName(tool, at);
    const dropped = leftOver(tool, NAMESPACE_FIELDS, `${at}.`);
    const inner = tool.objects('tools', 'ResponsesTool');
    return inner.map((nested, index) => {
      const found = readFunction(nested, namespace, `${at}.tools[${index}]`);
      return index === 0 ? { ...found, dropped: [...dropped, ...found.dropped] } : found;
    });
  });
}

function readFunction(tool: Fields, namespace: string | undefined, at: string): Tool {
  const type = tool.string('type') ?? '';
  if (type === '') throw invalid(`${at}.type`, `${at}: missing type`);
  if (type !== 'function') throw unsupported('tools', `${at}: tools of type ${JSON.stringify(type)} are not supported`);
  const name = requiredName(tool, at);
  const dropped = leftOver(tool, FUNCTION_FIELDS, `${at}.`);
  const called = {
    name: text(name),
    description: tool.raw('description'),
    parameters: tool.raw('parameters'),
    strict: tool.raw('strict'),
  };
  return { name, namespace, json: objectText({ type: text('function'), function: objectText(called) }), dropped };
}

function requiredName(tool: Fields, at: string): string {
  const name = tool.string('name') ?? '';
  if (name === '') throw invalid(`${at}.name`, `${at}: missing name`);
  return name;
}
