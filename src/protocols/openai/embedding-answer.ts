import type { JsonValue } from '../../domain/json.ts';
import type { Names } from '../call.ts';
import type { Finished } from '../held-pipe.ts';
import { decodeString, findMember, type Member, scanObject } from '../json/scan.ts';
import { type Edit, setValue, splice } from '../json/splice.ts';
import { text } from '../json/write.ts';
import { packVector, readVector, shorten, vectorText } from '../vectors.ts';
import { readPromptUsage } from './embedding-usage.ts';

/** How the client wants its vectors. */
export interface Wanted {
  readonly format: 'float' | 'base64';
  /** Where the endpoint does not see to it itself. */
  readonly dimensions: number | undefined;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const BRACKET = 0x5b;
const BRACE = 0x7b;

/**
 * Makes an answer of `/v1/embeddings` what the client asked for and leaves every other byte. An answer may have millions
 * of numbers: they are read only where they must change, which the first vector tells. Throws `JsonSyntaxError`.
 */
export function finishEmbeddings(answer: Buffer, wanted: Wanted, names: Names): Finished {
  const members = scanObject(answer);
  const edits = [...modelEdits(answer, members, names), ...vectorEdits(answer, findMember(members, 'data'), wanted)];
  const usage = findMember(members, 'usage');
  return { answer: splice(answer, edits), usage: usage && readPromptUsage(valueAt(answer, usage)) };
}

function modelEdits(answer: Buffer, members: readonly Member[], { client, upstream, own = upstream }: Names): Edit[] {
  const model = client === upstream && client === own ? undefined : findMember(members, 'model');
  if (model === undefined || answer[model.start] !== QUOTE) return [];
  const said = decodeString(answer, model.start, model.end);
  return said === upstream || said === own ? [setValue(model, text(client))] : [];
}

function vectorEdits(answer: Buffer, data: Member | undefined, wanted: Wanted): Edit[] {
  if (data === undefined || answer[data.start] !== BRACKET) return [];
  const edits: Edit[] = [];
  for (const embedding of embeddingsIn(answer, data.start)) {
    const isFirst = edits.length === 0;
    if (isFirst && wanted.dimensions === undefined && isAsWanted(answer, embedding, wanted)) return [];
    const edit = vectorEdit(answer, embedding, wanted);
    if (edit !== undefined) edits.push(edit);
  }
  return edits;
}

/** The `embedding` of each item, in an array whose syntax has been checked. */
function* embeddingsIn(answer: Buffer, start: number): Generator<Member> {
  let at = skipSpace(answer, start + 1);
  while (answer[at] === BRACE) {
    const members = scanObject(answer, at);
    const embedding = findMember(members, 'embedding');
    if (embedding !== undefined) yield embedding;
    const closing = skipSpace(answer, members.at(-1)?.end ?? at + 1);
    const comma = skipSpace(answer, closing + 1);
    at = answer[comma] === COMMA ? skipSpace(answer, comma + 1) : comma;
  }
}

function skipSpace(bytes: Buffer, from: number): number {
  let at = from;
  while ((bytes[at] ?? BRACE) <= 0x20) at++;
  return at;
}

function isAsWanted(answer: Buffer, { start }: Member, { format }: Wanted): boolean {
  return answer[start] === (format === 'base64' ? QUOTE : BRACKET);
}

/** Undefined where the vector may stay as it is. */
function vectorEdit(answer: Buffer, member: Member, wanted: Wanted): Edit | undefined {
  const vector = readVector(valueAt(answer, member));
  const short = shorten(vector, wanted.dimensions);
  if (short === vector && isAsWanted(answer, member, wanted)) return undefined;
  return setValue(member, wanted.format === 'base64' ? text(packVector(short)) : vectorText(short));
}

/** Numbers, names of counts and base64 are ASCII, which is read faster as Latin-1. */
function valueAt(answer: Buffer, { start, end }: Member): JsonValue {
  return JSON.parse(answer.toString('latin1', start, end));
}
