/** Ends a test that is about something which the backend does not claim to have. */
export class Absent extends Error {
  override readonly name = "Absent";
}
