import type { Node, YAMLMap } from 'yaml';
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  parseDocument,
} from 'yaml';
import { ConfigError } from './config-error.ts';
import { Findings } from './findings.ts';
import { Places, type Position } from './places.ts';
import { type Path, pathName, type Tree, type TreeMap } from './tree.ts';

/** A few aliases can stand for billions of values, and one can hold itself. */
const MOST_VALUES = 50_000;
const MOST_LEVELS = 32;

/** Reads one YAML document; throws `ConfigError` where it is none. `file` is what messages call it. */
export function readYaml(text: string, file: string): { tree: Tree; places: Places } {
  const lines = new LineCounter();
  // "failsafe" leaves every scalar the text it is. Messages with source lines could show a key: prettyErrors is off.
  const document = parseDocument(text, {
    schema: 'failsafe',
    prettyErrors: false,
    uniqueKeys: false,
    lineCounter: lines,
  });
  const [error] = document.errors;
  if (error !== undefined) throw new ConfigError(`${label(file, lines, error.pos[0])} ${explain(error)}`);
  return new TreeReader(document, lines, file).read();
}

function label(file: string, lines: LineCounter, offset: number): string {
  const { line, column } = positionIn(lines, offset);
  return `${file}:${line}:${column}`;
}

function positionIn(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

const NO_PAIR = 'is no "key: value": a ":" is missing, or the line is indented wrongly';

/** By the parser's codes, and never its own words: some quote the file and so, perhaps, a key. */
const EXPLANATIONS: Readonly<Record<string, string>> = {
  RESOURCE_EXHAUSTION: 'is nested too deep',
  MULTIPLE_DOCS: 'starts a second document ("---"): the file must hold one',
  TAB_AS_INDENT: 'is indented with a tab: use spaces',
  BLOCK_AS_IMPLICIT_KEY: 'a second ": " in one line, or a line indented too far: quote the value',
  MULTILINE_IMPLICIT_KEY: NO_PAIR,
  BAD_SCALAR_START: 'a text begins with a sign that means something in YAML: quote it',
  BAD_DQ_ESCAPE: 'an unknown "\\" in double quotes: use single quotes',
  BAD_INDENT: 'a [ ], { } or quoted text is not closed, or not indented enough',
  UNEXPECTED_TOKEN: 'does not belong here: look at the indentation and the quotes of this line',
};

function explain({ code, message }: { code: string; message: string }): string {
  if (/^Missing closing ["']/.test(message)) return 'a quoted text that begins further up is never closed';
  if (message.includes('between flow')) return `lacks a comma, or quotes around a text such as "\${VAR}" in [ ] or { }`;
  if (message.includes('followed by map values')) return NO_PAIR;
  return EXPLANATIONS[code] ?? 'is not valid YAML: look at the indentation and the quotes of this line';
}

/** Turns YAML nodes into a tree and notes where each value was written. */
class TreeReader {
  readonly #document: Document;
  readonly #lines: LineCounter;
  readonly #places: Places;
  readonly #findings: Findings;
  #values = 0;

  constructor(document: Document, lines: LineCounter, file: string) {
    this.#document = document;
    this.#lines = lines;
    this.#places = new Places(file);
    this.#findings = new Findings(this.#places);
  }

  read(): { tree: Tree; places: Places } {
    this.#places.addKey([], { line: 1, column: 1 });
    this.#places.addValue([], { line: 1, column: 1 });
    const tree = this.#value(this.#document.contents, []);
    this.#findings.check();
    return { tree, places: this.#places };
  }

  #value(node: unknown, path: Path): Tree {
    this.#note(node, path);
    this.#count(path);
    if (isAlias(node)) return this.#alias(node, path);
    if (isMap(node)) return this.#map(node, path);
    if (isSeq(node)) return node.items.map((item, index) => this.#value(item, [...path, index]));
    return isScalar(node) && !isNull(node) ? String(node.value) : null;
  }

  #note(node: unknown, path: Path): void {
    if (!isAlias(node) && !isMap(node) && !isSeq(node) && !isScalar(node)) return;
    if (node.range) this.#places.addValue(path, positionIn(this.#lines, node.range[0]));
    // Tags like `!!int` say what we ask for anyway; any other asks for something that would not happen.
    if (node.tag !== undefined && !node.tag.startsWith('tag:yaml.org,2002:')) {
      this.#findings.fault(path, 'has a tag that means nothing here: quote a text that begins with "!"');
    }
  }

  /** Stops at once: the next value may be one of billions. */
  #count(path: Path): void {
    this.#values++;
    if (this.#values > MOST_VALUES) this.#findings.fault([], `stands for more than ${MOST_VALUES} values`);
    else if (path.length > MOST_LEVELS) this.#findings.fault(path.slice(0, 1), 'is nested too deep');
    else return;
    this.#findings.check();
  }

  #alias(alias: Alias, path: Path): Tree {
    const target: Node | undefined = alias.resolve(this.#document);
    if (target !== undefined) return this.#value(target, path);
    this.#findings.fault(path, 'refers to a name that is not defined above it: quote a text that begins with "*"');
    return null;
  }

  #map(map: YAMLMap, path: Path): TreeMap {
    const tree: Record<string, Tree> = Object.create(null);
    for (const pair of map.items) this.#pair(pair, path, tree);
    return tree;
  }

  #pair({ key, value }: Pair, path: Path, into: Record<string, Tree>): void {
    const name = isScalar(key) ? String(key.value) : undefined;
    if (name === undefined) {
      this.#findings.fault(path, 'has a key that is no plain text');
      return;
    }
    const inner = [...path, name];
    const position = isScalar(key) && key.range ? positionIn(this.#lines, key.range[0]) : { line: 1, column: 1 };
    if (name in into) {
      this.#repeated(inner, position);
      return;
    }
    this.#places.addKey(inner, position);
    this.#places.addValue(inner, position);
    into[name] = this.#value(value, inner);
  }

  #repeated(path: Path, { line, column }: Position): void {
    const first = this.#places.ofKey(path).line;
    this.#places.addKey(path, { line, column });
    this.#findings.faultOfKey(path, `"${pathName(path)}" is written twice, first in line ${first}`);
  }
}

/** Only what is written without quotes can be null. */
function isNull({ type, source }: { type?: string | undefined; source?: string | undefined }): boolean {
  return type === 'PLAIN' && /^(|~|null|Null|NULL)$/.test(source ?? '');
}
