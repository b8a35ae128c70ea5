import { createHash } from 'node:crypto';
import type { EndpointKind } from '../domain/endpoint.ts';
import { displayName } from './ollama/name.ts';
import type { ModelDescription, SimulatedModel } from './simulation.ts';

const defaults = {
  aliases: [],
  size: 4_000_000_000,
  contextLength: 8192,
  embeddingLength: 64,
  family: 'llama',
  parameterSize: '8.0B',
  parameterCount: 8_030_261_312,
  quantization: 'Q4_K_M',
  capabilities: ['completion', 'tools'],
  modifiedAt: new Date('2026-01-02T03:04:05.678Z'),
  answerTokens: 12,
  reasoningTokens: 5,
} as const;

/** The description with everything it leaves out; Ollama's names in display form. */
export function completeModel(description: ModelDescription, kind: EndpointKind): SimulatedModel {
  const given = typeof description === 'string' ? { name: description } : description;
  const name = kind === 'ollama' ? (displayName(given.name) ?? given.name) : given.name;
  const size = given.size ?? defaults.size;
  return { ...defaults, vram: size, digest: sha256(name), ...given, name };
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
