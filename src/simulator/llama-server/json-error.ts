/** What the server's JSON library calls the type of a value. */
function typeName(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

/** Its text for a value of another type than the one that is read. */
export function wrongType(wanted: 'string' | 'number' | 'boolean', value: unknown): string {
  return `[json.exception.type_error.302] type must be ${wanted}, but is ${typeName(value)}`;
}

/** Its text for a member that is not there. */
export function missingKey(name: string): string {
  return `[json.exception.out_of_range.403] key '${name}' not found`;
}

/** Its text for a member of what has none. */
export function noMembers(value: unknown): string {
  return `[json.exception.type_error.304] cannot use at() with ${typeName(value)}`;
}

/** What a loop over any value sees: a text or a number is a list of itself. */
export function elementsOf(value: unknown): readonly unknown[] {
  if (value === null || value === undefined) return [];
  if (Array.isArray(value)) return value;
  return typeof value === 'object' ? Object.values(value) : [value];
}
