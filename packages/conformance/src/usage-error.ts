/** The kit was used in a wrong way. The message says what to change; the stack does not matter. */
export class UsageError extends TypeError {}
