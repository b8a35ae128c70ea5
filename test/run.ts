import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';

/**
 * Runs the tests of one suite with Node's own runner. A suite that needs a program the machine lacks says so in one
 * line and is skipped; with CI=true that is a failure.
 */
const SUITES: Readonly<Record<string, string>> = {
  default: 'test/**/*.test.ts',
  clients: 'test/**/*.clients.ts',
  real: 'test/**/*.real.ts',
};

const [suite = 'default', ...names] = process.argv.slice(2);
const pattern = SUITES[suite] ?? suite;
const files = names.length > 0 ? names : globSync(pattern).sort();
if (files.length === 0) {
  process.stderr.write(`no tests match ${pattern}; suites: ${Object.keys(SUITES).join(', ')}\n`);
  process.exit(2);
}
const reporter = process.stdout.isTTY ? 'spec' : 'dot';
const concurrency = suite === 'default' ? [] : ['--test-concurrency=1'];
const result = spawnSync(
  process.execPath,
  [
    '--test',
    `--test-reporter=${process.env['TEST_REPORTER'] ?? reporter}`,
    ...concurrency,
    '--test-timeout=120000',
    ...files,
  ],
  { stdio: 'inherit' },
);
process.exit(result.status ?? 1);
