/** The kit was not given what it asks for. What is to be changed is in the message; where it was noticed does not matter. */
export class UsageError extends TypeError {}
