/** What may stand between the parts of a member: white space, or a line's end where an event has its data in several. */
const GAP = '(?:\\s|data:)*';

/** Where an event ends, and a line. */
export const EVENT_END = '\\n\\n|\\r\\n\\r\\n|\\r\\r';
export const LINE_END = '\\n';

/**
 * Patterns of JSON members outside of strings: within them quotes are escaped, so that no text can look like one. Keys are
 * alternatives of a regular expression, as in `text|thinking`. No pattern here looks at a letter more than once or twice,
 * whatever an endpoint sends.
 */
export const member = {
  /** With a text that is not empty. */
  text: (keys: string) => `"(?:${keys})"${GAP}:${GAP}"[^"]`,
  /** With any text. */
  anyText: (keys: string) => `"(?:${keys})"${GAP}:${GAP}"`,
  /** With an object that has, before any other object in it, a member by this pattern. */
  holding: (keys: string, inner: string) => `"(?:${keys})"${GAP}:${GAP}\\{[^{}\\r\\n]*?${inner}`,
  /** With an object, or a list that begins with one. */
  object: (keys: string) => `"(?:${keys})"${GAP}:${GAP}(?:\\[${GAP})?\\{`,
};

/** Both patterns in one line, in whatever order. */
export function together(one: string, other: string): string {
  return `${one}(?:(?!${one})[^\\r\\n])*?${other}|${other}(?:(?!${other})[^\\r\\n])*?${one}`;
}

/**
 * Counts pieces of an answer in the text of complete records without reading them, which is done for every token: a record
 * has one where the pattern `piece` matches. `end`: the pattern behind which another may follow.
 */
export function pieceCounter(piece: string, end: string): (records: string) => number {
  const [pieces, ends] = [new RegExp(piece, 'g'), new RegExp(end, 'g')];
  return (records) => {
    let count = 0;
    pieces.lastIndex = 0;
    while (pieces.test(records)) {
      count++;
      ends.lastIndex = pieces.lastIndex;
      if (!ends.test(records)) break;
      pieces.lastIndex = ends.lastIndex;
    }
    return count;
  };
}
