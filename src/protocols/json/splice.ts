import type { Member } from './scan.ts';

/** One change to a byte text: `[start, end)` becomes `text`. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** The bytes with the edits made and every other byte as it was. Edits must not overlap. */
export function splice(bytes: Buffer, edits: readonly Edit[]): Buffer {
  if (edits.length === 0) return bytes;
  const parts: Buffer[] = [];
  let from = 0;
  for (const edit of [...edits].sort((a, b) => a.start - b.start)) {
    parts.push(bytes.subarray(from, edit.start), Buffer.from(edit.text));
    from = edit.end;
  }
  parts.push(bytes.subarray(from));
  return Buffer.concat(parts);
}

/** Replaces a member's value. */
export function setValue(member: Member, json: string): Edit {
  return { start: member.start, end: member.end, text: json };
}

/** Adds a member behind the last one: decoders let the last of two equal names win. `brace` is where the object opens. */
export function addMember(members: readonly Member[], brace: number, key: string, json: string): Edit {
  const last = members.at(-1);
  const at = last?.end ?? brace + 1;
  return { start: at, end: at, text: `${last === undefined ? '' : ','}${JSON.stringify(key)}:${json}` };
}

/** Takes out every member of that name, each with the comma that joined it to its neighbours. */
export function cutMembers(members: readonly Member[], key: string): Edit[] {
  const edits: Edit[] = [];
  let keptBefore: Member | undefined;
  members.forEach((member, index) => {
    if (member.key !== key) keptBefore = member;
    else if (keptBefore !== undefined)
      edits.push({ start: (members[index - 1] ?? member).end, end: member.end, text: '' });
    else edits.push({ start: member.keyStart, end: members[index + 1]?.keyStart ?? member.end, text: '' });
  });
  return edits;
}
