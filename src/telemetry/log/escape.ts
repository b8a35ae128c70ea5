/** What could end a line, steer a terminal or turn the order of what is shown, and halves of characters. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
const PLAIN = /^[\x20-\x7e]*$/;
/** A word that can be taken for nothing else. */
const WORD = /^[\w./:@+~%=-]+$/;
const JSON_PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

/** At most `limit` characters of a text; where it is cut, it ends in `…`. */
export function shorten(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit - 1)}…`;
}

/** A text that stays in its line: what it must not do there is written as `\n` or `\u001b`. */
export function inLine(text: string): string {
  return PLAIN.test(text) ? text : text.replace(UNSAFE, escaped);
}

/** A text as one word of a line: in quotes unless it is one. */
export function asWord(text: string): string {
  return WORD.test(text) ? text : asJson(text);
}

/** A text as JSON that stays in its line wherever it is shown. */
export function asJson(text: string): string {
  return JSON_PLAIN.test(text) ? `"${text}"` : JSON.stringify(text).replace(UNSAFE, escaped);
}

function escaped(unsafe: string): string {
  if (unsafe === '\n') return '\\n';
  if (unsafe === '\t') return '\\t';
  return Array.from({ length: unsafe.length }, (_, at) => unit(unsafe.charCodeAt(at))).join('');
}

function unit(code: number): string {
  return `\\u${code.toString(16).padStart(4, '0')}`;
}
