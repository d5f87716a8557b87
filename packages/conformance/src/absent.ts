/** Ends a test about a capability that the backend does not have. */
export class Absent extends Error {
  override readonly name = "Absent";
}
