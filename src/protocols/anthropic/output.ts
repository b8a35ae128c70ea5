import type { Ask, Format, Think } from '../../domain/ask.ts';
import type { Fields } from '../json/fields.ts';
import { invalid, unsupported } from '../refuse.ts';
import { account } from './field-table.ts';

const THINKING = { read: ['type'], inert: ['budget_tokens', 'display'] };
const OUTPUT = { read: ['effort', 'format'], inert: ['task_budget'] };
const FORMAT = { read: ['type', 'schema', 'name', 'description', 'strict'], inert: [] };

/** How the answer is to be thought out, and its form. */
export function output(fields: Fields, dropped: Set<string>): Pick<Ask, 'think' | 'format'> {
  const config = fields.object('output_config', 'OutputConfig');
  if (config !== undefined) account(config, OUTPUT, 'output_config.', dropped);
  const wish = thinking(fields, dropped);
  const level = config && effort(config);
  const think = wish === false ? false : (level ?? wish);
  const ofConfig = config?.object('format', 'OutputFormat');
  const ofRequest = fields.object('output_format', 'OutputFormat');
  return {
    think,
    format: format(ofConfig, 'output_config.format', dropped) ?? format(ofRequest, 'output_format', dropped),
  };
}

/** Undefined leaves it to the model, as `adaptive` does. */
function thinking(fields: Fields, dropped: Set<string>): boolean | undefined {
  const given = fields.object('thinking', 'ThinkingConfig');
  if (given === undefined) return undefined;
  account(given, THINKING, 'thinking.', dropped);
  const type = given.string('type') ?? '';
  if (type === 'adaptive') return undefined;
  if (type === 'enabled' || type === 'disabled') return type === 'enabled';
  throw invalid('thinking', `thinking: type '${type}' is none of adaptive, disabled, enabled`);
}

function effort(config: Fields): Think | undefined {
  const level = config.string('effort');
  switch (level) {
    case undefined:
    case 'low':
    case 'medium':
    case 'high':
    case 'xhigh':
    case 'max':
      return level;
    default:
      throw invalid('output_config', `output_config: effort '${level}' is none of low, medium, high, xhigh, max`);
  }
}

function format(given: Fields | undefined, name: string, dropped: Set<string>): Format | undefined {
  if (given === undefined) return undefined;
  account(given, FORMAT, `${name}.`, dropped);
  const type = given.string('type') ?? '';
  if (type !== 'json_schema') throw unsupported(name, `${name}: type '${type}' is not supported by this backend`);
  if (given.type('schema') !== 'object') throw invalid(name, `${name}: schema is required`);
  const described = { name: given.string('name'), description: given.string('description') };
  return { kind: 'schema', schema: given.raw('schema') ?? '{}', ...described, strict: given.boolean('strict') };
}
