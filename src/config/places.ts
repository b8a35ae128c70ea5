import { type Path, pathName } from './tree.ts';

/** Line and column of a character in the file, both from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Where a setting was written, and what to call it there. */
export interface Place extends Position {
  /** `config.yaml:7:3`, or the environment variable or option that set it; empty for settings from code. */
  readonly label: string;
  /** The setting's name, empty where the label already is it. */
  readonly name: string;
}

/** Knows for every path of the settings where it was written. */
export class Places {
  readonly #file: string;
  readonly #keys = new Map<string, Position>();
  readonly #values = new Map<string, Position>();
  readonly #sources = new Map<string, string>();

  constructor(file: string) {
    this.#file = file;
  }

  addKey(path: Path, position: Position): void {
    this.#keys.set(pathName(path), position);
  }

  addValue(path: Path, position: Position): void {
    this.#values.set(pathName(path), position);
  }

  /** Says that a top-level setting came from an environment variable or an option and not from the file. */
  addSource(key: string, source: string): void {
    this.#sources.set(key, source);
  }

  /** The place of the value at a path, or of the nearest value around it that was written down. */
  ofValue(path: Path): Place {
    return this.#find(path, this.#values);
  }

  ofKey(path: Path): Place {
    return this.#find(path, this.#keys);
  }

  #find(path: Path, positions: ReadonlyMap<string, Position>): Place {
    const source = this.#sources.get(String(path[0]));
    if (source !== undefined) return { label: source, name: '', line: Number.POSITIVE_INFINITY, column: 0 };
    for (let length = path.length; length >= 0; length--) {
      const name = pathName(path.slice(0, length));
      const position = positions.get(name);
      if (position !== undefined) return { ...position, label: this.#label(position), name };
    }
    return { label: '', name: pathName(path), line: 0, column: 0 };
  }

  #label({ line, column }: Position): string {
    return `${this.#file}:${line}:${column}`;
  }
}
