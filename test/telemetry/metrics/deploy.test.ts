import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { lacksPromtool, promtool } from './promtool.ts';
import { stage } from './stage.ts';

const METRIC = /\b(?:nomyo_router|process|nodejs)_[a-z_]+/g;

/** Every metric with its labels' names, as far as a scrape without requests shows them. */
const families = stage().scrape();

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string }[];
}

const board: { readonly panels: readonly Panel[]; readonly templating: object } = JSON.parse(
  readFileSync('deploy/grafana/nomyo-router.json', 'utf8'),
);
const rules: { readonly groups: readonly { readonly rules: readonly { alert: string; expr: string }[] }[] } = parse(
  readFileSync('deploy/prometheus/alerts.yml', 'utf8'),
);
const alerts = rules.groups.flatMap((group) => group.rules);
const expressions = board.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

/** The families that an expression asks for. */
function asked(expression: string): string[] {
  return [...expression.matchAll(METRIC)].map(([name]) => name.replace(/_(?:bucket|sum|count)$/, ''));
}

/** Names in the tables of the reference. */
function documented(): Set<string> {
  const rows = readFileSync('docs/metrics.md', 'utf8').matchAll(/^\| (`(?:nomyo_router|process|nodejs)_.*?) \|/gm);
  return new Set([...rows].flatMap(([, cell = '']) => [...cell.matchAll(METRIC)].map(([name]) => name)));
}

test('the board and the alerts ask for nothing that the router does not tell', () => {
  const wanted = [...expressions, JSON.stringify(board.templating), ...alerts.map(({ expr }) => expr)].flatMap(asked);
  assert.ok(wanted.length > 60, `${wanted.length} names were found`);
  assert.deepEqual(
    wanted.filter((name) => !families.has(name)),
    [],
  );
});

test('the reference has every metric, and no other', () => {
  assert.deepEqual(documented(), new Set(families.keys()));
});

test('every alert has its test', () => {
  const tests = readFileSync('deploy/prometheus/alerts.test.yml', 'utf8');
  for (const { alert } of alerts) {
    const fires = new RegExp(`alertname: ${alert}\\n\\s+exp_alerts`);
    assert.match(tests, fires);
  }
});

test('promtool can read every expression of the board', { skip: lacksPromtool }, () => {
  const plain = expressions.map((expr) => expr.replaceAll('$__rate_interval', '5m').replaceAll(/\$\w+/g, '.*'));
  const recorded = plain.map((expr, i) => ({ record: `panel_${i}`, expr }));
  const folder = mkdtempSync(join(tmpdir(), 'board-'));
  try {
    const file = join(folder, 'rules.yml');
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'board', rules: recorded }] }));
    assert.equal(promtool(['check', 'rules', file]), '');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the panels of the board have ids of their own and do not overlap', () => {
  const { panels } = board;
  assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, i) => `${x + (i % w)} ${y + Math.floor(i / w)}`),
  );
  assert.equal(new Set(cells).size, cells.length);
});
