/** Why no package was made, for the person who asked for one. */
export class Refusal extends Error {
  override readonly name = "Refusal";
}
