import { hash, textTokens } from './text.ts';

/** A value that satisfies a JSON Schema (as far as models are held to it), the same for the same key. */
export function instanceOf(schema: unknown, key: string): unknown {
  if (!isObject(schema)) return { answer: textTokens(key, 3).join('') };
  const choices = schema['enum'];
  if (Array.isArray(choices) && choices.length > 0) return choices[hash(key) % choices.length];
  if ('const' in schema) return schema['const'];
  switch (typeOf(schema)) {
    case 'object':
      return objectOf(schema, key);
    case 'array':
      return [instanceOf(schema['items'] ?? { type: 'string' }, `${key}[0]`)];
    case 'integer':
      return hash(key) % 100;
    case 'number':
      return (hash(key) % 1000) / 8;
    case 'boolean':
      return hash(key) % 2 === 0;
    case 'null':
      return null;
    default:
      return textTokens(key, 2).join('');
  }
}

function objectOf(schema: Readonly<Record<string, unknown>>, key: string): Record<string, unknown> {
  const properties = isObject(schema['properties']) ? schema['properties'] : {};
  return Object.fromEntries(
    Object.entries(properties).map(([name, part]) => [name, instanceOf(part, `${key}.${name}`)]),
  );
}

function typeOf(schema: Readonly<Record<string, unknown>>): unknown {
  const type = schema['type'];
  if (Array.isArray(type)) return type[0];
  return type ?? (isObject(schema['properties']) ? 'object' : undefined);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
