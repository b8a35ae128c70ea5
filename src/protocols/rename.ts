import type { Names } from './call.ts';
import { decodeString, findMember, JsonSyntaxError, scanObject } from './json/scan.ts';
import { setValue, splice } from './json/splice.ts';
import { text } from './json/write.ts';

/**
 * Gives a JSON object of the answer the client's own spelling of the model back, where the request was sent with
 * another one and the object repeats that; undefined where the client's spelling was sent.
 */
export function renaming({ client, upstream }: Names): ((json: Buffer) => Buffer) | undefined {
  if (client === upstream) return undefined;
  return (json) => {
    const member = findMember(members(json), 'model');
    if (member === undefined || decodeString(json, member.start, member.end) !== upstream) return json;
    return splice(json, [setValue(member, text(client))]);
  };
}

function members(json: Buffer): ReturnType<typeof scanObject> {
  try {
    return scanObject(json);
  } catch (error) {
    if (error instanceof JsonSyntaxError) return [];
    throw error;
  }
}
