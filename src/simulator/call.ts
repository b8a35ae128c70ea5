import type { SimulatedModel } from './simulation.ts';

/** A function that the model may call. */
export interface ToolDeclaration {
  readonly name: string;
  /** JSON Schema of its arguments. */
  readonly parameters: unknown;
}

/** Whether the model may, must or must not call a tool, or which one it must. */
export type ToolChoice = 'auto' | 'none' | 'required' | { readonly name: string };

/** A message in the words that all kinds share. */
export interface Message {
  readonly role: string;
  readonly text: string;
  readonly images: number;
}

/** What all kinds ask of a model, once their own format is read. */
export interface Call {
  readonly model: SimulatedModel;
  /** What the model reads. */
  readonly prompt: string;
  readonly messages: readonly Message[];
  readonly tools: readonly ToolDeclaration[];
  readonly toolChoice: ToolChoice;
  readonly think: boolean;
  /** A JSON Schema, `true` for any JSON, undefined for free text. */
  readonly schema?: unknown;
  readonly stop: readonly string[];
  /** Completion tokens at most. */
  readonly maxTokens: number;
  readonly seed?: number;
}

/** The messages as the model reads them: an answer appended to it is the prefix of the next turn. */
export function renderPrompt(messages: readonly Message[]): string {
  const turns = messages.map(({ role, text, images }) => `${role}: ${'[img]'.repeat(images)}${text}\n`);
  return `${turns.join('')}assistant: `;
}
