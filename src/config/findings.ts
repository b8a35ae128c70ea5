import { ConfigError } from './config-error.ts';
import type { Place, Places } from './places.ts';
import type { Path } from './tree.ts';

/** More than anyone reads; the rest shows once these are mended. */
const MOST_FAULTS = 20;

interface Finding {
  readonly place: Place;
  readonly text: string;
}

/** Gathers what is wrong and what is only odd in the settings, each with its place. */
export class Findings {
  readonly #places: Places;
  readonly #faults: Finding[] = [];
  readonly #warnings: Finding[] = [];

  constructor(places: Places) {
    this.#places = places;
  }

  /** The text goes behind the setting's name: `must be a list`. */
  fault(path: Path, text: string): void {
    const place = this.#places.ofValue(path);
    this.#faults.push({ place, text: joined(place.label, place.name, text) });
  }

  /** A fault of the key itself; the text stands alone. */
  faultOfKey(path: Path, text: string): void {
    const place = this.#places.ofKey(path);
    this.#faults.push({ place, text: joined(place.label, text) });
  }

  /** The text stands alone. */
  warn(path: Path, text: string): void {
    const place = this.#places.ofValue(path);
    this.#warnings.push({ place, text: joined(place.label, text) });
  }

  lineOf(path: Path): number {
    return this.#places.ofValue(path).line;
  }

  get hasFaults(): boolean {
    return this.#faults.length > 0;
  }

  /** Throws all faults as one message, if there are any. */
  check(): void {
    if (!this.hasFaults) return;
    const lines = inOrder(this.#faults);
    const rest = lines.length - MOST_FAULTS;
    const more = rest > 0 ? [`... and ${rest} more`] : [];
    throw new ConfigError([...lines.slice(0, MOST_FAULTS), ...more].join('\n'));
  }

  get warnings(): readonly string[] {
    return inOrder(this.#warnings);
  }
}

function joined(...parts: string[]): string {
  return parts.filter((part) => part !== '').join(' ');
}

function inOrder(findings: readonly Finding[]): string[] {
  return findings.toSorted((a, b) => byPlace(a.place, b.place)).map((finding) => finding.text);
}

function byPlace(a: Place, b: Place): number {
  return a.line === b.line ? a.column - b.column : a.line < b.line ? -1 : 1;
}
