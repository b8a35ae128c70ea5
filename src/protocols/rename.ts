import type { Names } from './call.ts';
import { decodeString, findMember, JsonSyntaxError, type Member, scanObject } from './json/scan.ts';
import { setValue, splice } from './json/splice.ts';
import { text } from './json/write.ts';

/**
 * Gives a JSON object of the answer the client's own spelling of the model back, where the object, or the one that it
 * holds under `inside`, has the one that was sent or the endpoint's own; undefined where all are the client's.
 */
export function renaming(
  { client, upstream, own = upstream }: Names,
  inside?: string,
): ((json: Buffer) => Buffer) | undefined {
  if (client === upstream && client === own) return undefined;
  return (json) => {
    const member = modelIn(json, inside);
    const said = member && stringAt(json, member);
    if (member === undefined || (said !== upstream && said !== own)) return json;
    return splice(json, [setValue(member, text(client))]);
  };
}

function modelIn(json: Buffer, inside: string | undefined): Member | undefined {
  const members = membersOf(json);
  const model = findMember(members, 'model');
  const inner = inside === undefined || model !== undefined ? undefined : findMember(members, inside);
  if (inner === undefined || json[inner.start] !== 0x7b) return model;
  return findMember(unlessSyntaxError(() => scanObject(json, inner.start)) ?? [], 'model');
}

/** The members of an answer's object; none where it cannot be read: it passes as it is. */
export function membersOf(json: Buffer): Member[] {
  return unlessSyntaxError(() => scanObject(json)) ?? [];
}

/** Undefined where the value is no string or no valid one. */
function stringAt(json: Buffer, { start, end }: Member): string | undefined {
  return json[start] === 0x22 ? unlessSyntaxError(() => decodeString(json, start, end)) : undefined;
}

function unlessSyntaxError<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof JsonSyntaxError) return undefined;
    throw error;
  }
}
