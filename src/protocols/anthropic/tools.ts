import type { Ask, RawJson, ToolChoice } from '../../domain/ask.ts';
import type { Fields } from '../json/fields.ts';
import { arrayText, objectText, text } from '../json/write.ts';
import { invalid, unsupported } from '../refuse.ts';
import { account } from './field-table.ts';

const TOOL = {
  read: ['type', 'name', 'description', 'input_schema', 'strict'],
  inert: ['cache_control', 'input_examples', 'defer_loading', 'eager_input_streaming', 'allowed_callers'],
};
const CHOICE = { read: ['type', 'name', 'disable_parallel_tool_use'], inert: [] };

/** The tools and how to choose among them. Throws `unsupported` for a tool that Anthropic's own server would run. */
export function toolUse(fields: Fields, dropped: Set<string>): Pick<Ask, 'tools' | 'toolChoice' | 'parallelTools'> {
  const tools = fields.objects('tools', 'Tool').map((tool) => functionTool(tool, dropped));
  const given = fields.object('tool_choice', 'ToolChoice');
  if (given === undefined) return { tools: tools.length > 0 ? arrayText(tools) : undefined };
  account(given, CHOICE, 'tool_choice.', dropped);
  const toolChoice = choice(given);
  if (tools.length === 0) return withoutTools(toolChoice);
  // Several calls at once are the default everywhere.
  const parallelTools = given.boolean('disable_parallel_tool_use') === true ? false : undefined;
  return { tools: arrayText(tools), toolChoice, parallelTools };
}

/** As OpenAI's clients write it, with the schema's own bytes. */
function functionTool(tool: Fields, dropped: Set<string>): RawJson {
  const name = tool.string('name') ?? '';
  const type = tool.string('type') ?? 'custom';
  if (type !== 'custom')
    throw unsupported('tools', `tools: '${name}' of type '${type}' is not supported by this backend`);
  account(tool, TOOL, 'tools.', dropped);
  if (name === '') throw invalid('tools', 'tools: name is required');
  if (tool.type('input_schema') !== 'object') throw invalid('tools', `tools: input_schema of '${name}' is required`);
  const described = {
    name: text(name),
    description: text(tool.string('description')),
    strict: text(tool.boolean('strict')),
    parameters: tool.raw('input_schema'),
  };
  return objectText({ type: text('function'), function: objectText(described) });
}

function choice(given: Fields): ToolChoice {
  const type = given.string('type') ?? '';
  switch (type) {
    case 'auto':
    case 'none':
      return type;
    case 'any':
      return 'required';
    case 'tool':
      return { name: given.string('name') ?? '' };
    default:
      throw invalid('tool_choice', `tool_choice: type '${type}' is none of auto, any, tool, none`);
  }
}

function withoutTools(toolChoice: ToolChoice): Pick<Ask, 'tools'> {
  if (toolChoice !== 'auto' && toolChoice !== 'none')
    throw invalid('tool_choice', 'tool_choice may only be specified while providing tools');
  return { tools: undefined };
}
