/** Tells the user why no package was made. */
export class Refusal extends Error {
  override readonly name = "Refusal";
}
