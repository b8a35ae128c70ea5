import { execFileSync, spawnSync } from 'node:child_process';

/** Why the tests that need Prometheus' own tool are skipped, or false where it is there; with CI=true a skip is a failure. */
export const lacksPromtool: string | false = isThere() ? false : 'promtool is not installed (it comes with prometheus)';

function isThere(): boolean {
  try {
    execFileSync('promtool', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Runs it; empty where it is content, else what it says. */
export function promtool(args: readonly string[], input = ''): string {
  const { status, stdout, stderr } = spawnSync('promtool', args, { input, encoding: 'utf8' });
  return status === 0 ? '' : `${stdout}${stderr}` || `status ${status}`;
}
