import { assistant, type Message, user } from "@deep-agent/core";

/** A turn of a series: its messages follow from its name and size. */
export function turnOf(series: string, turn: number, bytes: number): Message[] {
  const name = `${series}-${turn}`;
  const text = `${name} `.repeat(Math.ceil(bytes / (name.length + 1)));
  // When they were made does not matter here, and has to be the same for whoever compares.
  return [
    user(`question ${text}`, { id: `${name}.q`, createdAt: 0 }),
    assistant(`answer to ${name}`, { id: `${name}.a`, createdAt: 0 }),
  ];
}

/** The small ones are of so many bytes, one after the other. */
const sizes = [0, 40, 300, 1_500, 5_000];

export function usualSize(turn: number): number {
  return sizes[turn % sizes.length] ?? 0;
}
