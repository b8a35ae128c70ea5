import { shorten } from './escape.ts';

/** What texts from outside become before they are written: without keys, and no longer than `limit` characters. */
export interface Redactor {
  /** A name, a path, a program. */
  name(text: string, limit: number): string;
  /** What somebody says went wrong: its first line, without what it repeats of a request. */
  saying(text: string, limit: number): string;
}

/** More of a text is not looked at. */
const MOST_READ = 1_000;
const MOST_FIRST_LINE = 16_000;
/** A shorter secret is a common word: it is one where it stands alone. */
const TELLING_LENGTH = 8;
const HIDDEN = '***';

const KEY_NAMES =
  'api[_-]?key|authorization|proxy-authorization|password|passwd|secret|(?:access|auth|bearer)[_-]?token';
/** Keys of others, by their looks: a header, a field, the user of a URL, well-known prefixes, a JSON web token. */
const KEYS: readonly (readonly [RegExp, string])[] = [
  [/\b(Bearer|Basic)\s+[\w.~+/=-]+/gi, `$1 ${HIDDEN}`],
  [new RegExp(`\\b(${KEY_NAMES})(["']?\\s*[:=]\\s*["']?)(?!(?:Bearer|Basic)\\b)[^\\s"',;&}]+`, 'gi'), `$1$2${HIDDEN}`],
  [/:\/\/[^\s/@]+@/g, `://${HIDDEN}@`],
  [/\/k\/[^\s/?]+/g, `/k/${HIDDEN}`],
  [/\b(?:sk|pk|rk|gsk|xai|hf|ghp|github_pat)[-_][\w*-]{8,}|\bAIza[\w-]{20,}/g, HIDDEN],
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]*/g, HIDDEN],
];

/**
 * Where the words of servers turn into a piece of the request: pydantic's `'input': …` and `input_value=…`, llama-server's
 * `messages = [ …`, any field that carries a prompt, and what JavaScript could not read as JSON.
 */
const QUOTED_REQUEST =
  /["'](?:input|ctx|messages|prompt|content|text|system|suffix|documents|query|tools|arguments|body)["']\s*:|\b(?:input_value|messages|prompt|content|input|tools|body)\s*[=:]\s*[[{"'`]|(?<=unexpected token .{1,8}), (?:\.\.\.)?"/i;

/** `secrets` are the keys of the configuration: they are hidden in whatever form somebody repeats them. */
export function redactor(secrets: readonly string[]): Redactor {
  const hide = hiding([...new Set(secrets.filter((secret) => secret !== '').flatMap(formsOf))]);
  return {
    name: (text, limit) => shorten(hide(text), limit),
    saying: (text, limit) => shorten(withoutKeys(hide(firstLine(text))), limit),
  };
}

/** Reads as much of a text as can matter, and leaves out its end where that could be half a secret. */
function hiding(secrets: readonly string[]): (text: string) => string {
  const longestFirst = secrets.toSorted((a, b) => b.length - a.length);
  const longest = longestFirst[0]?.length ?? 0;
  const pattern = longest === 0 ? undefined : new RegExp(longestFirst.map(source).join('|'), 'g');
  const most = MOST_READ + longest;
  return (text) => {
    const read = text.length > most ? text.slice(0, most) : text;
    const hidden = pattern === undefined ? read : read.replace(pattern, HIDDEN);
    return read === text ? hidden : hidden.slice(0, -longest || undefined);
  };
}

function firstLine(text: string): string {
  const said = text.slice(0, MOST_FIRST_LINE).trimStart();
  const end = said.search(/[\r\n\u0085\u2028\u2029]/);
  return end === -1 ? said : said.slice(0, end);
}

function withoutKeys(text: string): string {
  const quote = text.search(QUOTED_REQUEST);
  const words = quote === -1 ? text : `${text.slice(0, quote)}…`;
  return KEYS.reduce((rest, [pattern, instead]) => rest.replace(pattern, instead), words);
}

/** As it is, in JSON, in a URL, and as the password that `Authorization: Basic` hides in Base64. */
function formsOf(secret: string): string[] {
  const basic = Buffer.from(`:${secret}`, 'utf8').toString('base64');
  return [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret.toWellFormed()), basic];
}

function source(form: string): string {
  const text = form.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return form.length < TELLING_LENGTH ? `(?<![\\w-])${text}(?![\\w-])` : text;
}
