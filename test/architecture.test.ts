import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

/** The rooms of `src`, from the ground up: a room imports from those below it, never from above or beside. */
const TIERS: readonly (readonly string[])[] = [
  ['domain', 'errors.ts'],
  ['protocols', 'routing'],
  ['upstream', 'usage', 'telemetry', 'config', 'simulator'],
  ['relay'],
  ['server'],
  ['observation.ts'],
  ['app.ts'],
  ['cli'],
  ['main.ts'],
];

/** Rooms that know no package and nothing of Node: values in, values out. */
const PURE = new Set(['domain', 'errors.ts', 'protocols', 'routing']);

/** The simulated fleet is a stranger to the router: it shares its words and nothing else. */
const STRANGERS: Readonly<Record<string, readonly string[]>> = { simulator: ['domain'] };

interface Import {
  readonly from: string;
  readonly to: string;
}

const IMPORT = /(?:^|\n)\s*(?:import|export)\s(?:[^'"]*?\sfrom\s)?['"]([^'"]+)['"]/g;

function importsOf(file: string): Import[] {
  const source = readFileSync(file, 'utf8');
  return [...source.matchAll(IMPORT)].map(([, to = '']) => ({ from: file, to }));
}

function roomOf(file: string): string {
  return path.relative('src', file).split(path.sep)[0] ?? '';
}

function tierOf(room: string): number {
  return TIERS.findIndex((rooms) => rooms.includes(room));
}

/** Why an import may not be, or undefined where it may. */
function fault({ from, to }: Import): string | undefined {
  const room = roomOf(from);
  if (!to.startsWith('.')) return PURE.has(room) ? `${from} is to be pure and imports ${to}` : undefined;
  const target = roomOf(path.join(path.dirname(from), to));
  if (target === room) return undefined;
  const allowed = STRANGERS[room];
  if (allowed !== undefined && !allowed.includes(target)) return `${from} may not know of src/${target}`;
  return tierOf(target) < tierOf(room) ? undefined : `${from} imports src/${target}, which is not below it`;
}

const sources = globSync('src/**/*.ts');
const imports = sources.flatMap(importsOf);

test('every room of src has its tier', () => {
  assert.deepEqual(
    [...new Set(sources.map(roomOf))].filter((room) => tierOf(room) === -1),
    [],
  );
});

test('imports point down and never sideways', () => {
  assert.ok(imports.length > 100, 'imports were found');
  assert.deepEqual(
    imports.map(fault).filter((found) => found !== undefined),
    [],
  );
});

test('imports make no loops', () => {
  const edges = Map.groupBy(
    imports
      .filter(({ to }) => to.startsWith('.'))
      .map(({ from, to }) => [from, path.join(path.dirname(from), to)] as const),
    ([from]) => from,
  );
  const done = new Set<string>();
  const visit = (file: string, trail: readonly string[]): void => {
    assert.ok(!trail.includes(file), `import loop: ${[...trail, file].join(' -> ')}`);
    if (done.has(file)) return;
    for (const [, to] of edges.get(file) ?? []) visit(to, [...trail, file]);
    done.add(file);
  };
  for (const file of sources) visit(file, []);
});

test('the rule sees what it forbids', () => {
  assert.match(fault({ from: 'src/routing/x.ts', to: '../relay/relay.ts' }) ?? '', /not below/);
  assert.match(fault({ from: 'src/routing/x.ts', to: '../protocols/call.ts' }) ?? '', /not below/);
  assert.match(fault({ from: 'src/protocols/x.ts', to: 'node:fs' }) ?? '', /pure/);
  assert.match(fault({ from: 'src/simulator/x.ts', to: '../protocols/call.ts' }) ?? '', /may not know/);
  assert.equal(fault({ from: 'src/server/x.ts', to: '../relay/relay.ts' }), undefined);
});
