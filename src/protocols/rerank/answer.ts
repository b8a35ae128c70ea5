import type { JsonValue } from '../../domain/json.ts';
import { randomId } from '../../domain/random-id.ts';
import { EndpointFailure } from '../../errors.ts';
import type { Finished } from '../held-pipe.ts';
import type { Fields } from '../json/fields.ts';
import { findMember, type Member, scanArray, scanObject } from '../json/scan.ts';
import { addMember, type Edit, splice } from '../json/splice.ts';
import { arrayText, objectText, text } from '../json/write.ts';
import { readPromptUsage } from '../openai/embedding-usage.ts';
import { documentsOf, isTei, rawAt, textIn } from './texts.ts';

/** One result of a ranking. */
interface Result {
  readonly members: readonly Member[];
  /** Where its object opens. */
  readonly brace: number;
  /** Which document of the request it is about; NaN where it does not say. */
  readonly index: number;
}

const BRACKET = 0x5b;
const BRACE = 0x7b;
const NULL = 0x6e;

/** What a client wants of its ranking. */
export interface Wanted {
  readonly fields: Fields;
  /** The client speaks Cohere's second version. */
  readonly isCohere: boolean;
  /** Gives the answer the client's name of the model. */
  readonly rename: (answer: Buffer) => Buffer;
}

/** Gives a ranking the form that the client expects. Throws `JsonSyntaxError`. */
export function finishRanking(answer: Buffer, { fields, isCohere, rename }: Wanted): Finished {
  if (isArray(answer)) return { answer: splice(answer, textEdits(answer, fields)), usage: undefined };
  const members = scanObject(answer);
  const counts = findMember(members, 'usage');
  const usage = counts && readPromptUsage(valueAt(answer, counts));
  if (isTei(fields)) return { answer: bareArray(answer, members, fields), usage };
  const edits = [...documentEdits(answer, members, fields), ...(isCohere ? cohereEdits(members) : [])];
  return { answer: rename(splice(answer, edits)), usage };
}

function isArray(answer: Buffer): boolean {
  return /^\s*\[/.test(answer.toString('latin1', 0, 100));
}

/** For TEI's array from a server that does not know `return_text`. */
function textEdits(answer: Buffer, fields: Fields): Edit[] {
  // Read in any case: one that is cut off shows itself.
  const results = resultsIn(answer, 0);
  return isTei(fields) && isTrue(fields, 'return_text') ? additions(answer, results, 'text', rawTexts(fields)) : [];
}

function documentEdits(answer: Buffer, members: readonly Member[], fields: Fields): Edit[] {
  const ranking = findMember(members, 'results');
  if (!isTrue(fields, 'return_documents') || ranking === undefined || answer[ranking.start] !== BRACKET) return [];
  return additions(answer, resultsIn(answer, ranking.start), 'document', rawDocuments(fields));
}

/** Puts into each result what the request says of it, unless it has that. */
function additions(answer: Buffer, results: readonly Result[], key: string, values: readonly string[]): Edit[] {
  return results.flatMap(({ members, brace, index }) => {
    const value = values[index];
    const given = findMember(members, key);
    if (value === undefined || (given !== undefined && answer[given.start] !== NULL)) return [];
    return [addMember(members, brace, key, value)];
  });
}

/** Cohere's clients insist on them. */
function cohereEdits(members: readonly Member[]): Edit[] {
  const meta = '{"api_version":{"version":"2"},"billed_units":{"search_units":1}}';
  const wanted = { id: text(randomId('rerank-')), meta };
  const missing = Object.entries(wanted).filter(([key]) => findMember(members, key) === undefined);
  const last = members.at(-1);
  if (last === undefined || missing.length === 0) return [];
  return [{ start: last.end, end: last.end, text: missing.map(([key, json]) => `,${text(key)}:${json}`).join('') }];
}

/** What TEI would have answered: the best first. */
function bareArray(answer: Buffer, members: readonly Member[], fields: Fields): Buffer {
  const ranking = findMember(members, 'results');
  if (ranking === undefined || answer[ranking.start] !== BRACKET) throw noRanking();
  const texts = isTrue(fields, 'return_text') ? rawTexts(fields) : [];
  const ranked = resultsIn(answer, ranking.start).map((result) => {
    const found = findMember(result.members, 'relevance_score') ?? findMember(result.members, 'score');
    const score = found === undefined ? '' : rawAt(answer, found);
    if (!Number.isFinite(Number.parseFloat(score)) || Number.isNaN(result.index)) throw noRanking();
    return { score, json: objectText({ index: text(result.index), score, text: texts[result.index] }) };
  });
  ranked.sort((a, b) => Number(b.score) - Number(a.score));
  return Buffer.from(arrayText(ranked.map(({ json }) => json)));
}

function resultsIn(answer: Buffer, start: number): Result[] {
  return scanArray(answer, start).map(({ start: brace }) => {
    const members = answer[brace] === BRACE ? scanObject(answer, brace) : [];
    const index = findMember(members, 'index');
    return { members, brace, index: index === undefined ? Number.NaN : Number(rawAt(answer, index)) };
  });
}

/** The request's documents as results show them: `{"text": …}`, or the client's own object where that has no text. */
function rawDocuments(fields: Fields): string[] {
  return documentsOf(fields).map((document) => {
    const found = textIn(fields.bytes, document);
    return found === undefined ? rawAt(fields.bytes, document) : objectText({ text: rawAt(fields.bytes, found) });
  });
}

function rawTexts(fields: Fields): string[] {
  return documentsOf(fields).map((document) => rawAt(fields.bytes, textIn(fields.bytes, document) ?? document));
}

function isTrue(fields: Fields, key: string): boolean {
  return fields.raw(key) === 'true';
}

function valueAt(answer: Buffer, member: Member): JsonValue {
  return JSON.parse(rawAt(answer, member));
}

function noRanking(): EndpointFailure {
  return new EndpointFailure('invalid', 'sent an answer that is no ranking');
}
