import { assistant, type Message, user } from "@deep-agent/core";

/** A turn of a series. Its name and size determine its messages. */
export function turnOf(series: string, turn: number, bytes: number): Message[] {
  const name = `${series}-${turn}`;
  const text = `${name} `.repeat(Math.ceil(bytes / (name.length + 1)));
  // The creation time does not matter here, but must be the same when the messages are compared.
  return [
    user(`question ${text}`, { id: `${name}.q`, createdAt: 0 }),
    assistant(`answer to ${name}`, { id: `${name}.a`, createdAt: 0 }),
  ];
}

/** The size of a small turn, in bytes, by its number. */
const sizes = [0, 40, 300, 1_500, 5_000];

export function usualSize(turn: number): number {
  return sizes[turn % sizes.length] ?? 0;
}
