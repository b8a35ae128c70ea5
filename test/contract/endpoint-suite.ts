import { llamaRouterSuite, llamaServerSuite } from './llama-server-suite.ts';
import { ollamaSuite } from './ollama-suite.ts';
import type { Connect } from './target.ts';

const suites = {
  ollama: ollamaSuite,
  'llama-server': llamaServerSuite,
  'llama-router': llamaRouterSuite,
} as const;

/** The kinds whose real servers can be had. */
export type SuiteKind = keyof typeof suites;

/**
 * Defines the tests that a kind's real server and its simulated one must both pass. Where they disagree the real server
 * is right: the assertion follows it and the simulator is mended.
 */
export function endpointSuite(kind: SuiteKind, who: string, connect: Connect): void {
  suites[kind](who, connect);
}
