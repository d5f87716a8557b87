/** A value of another type than the contract allows: for a call that must be rejected. */
export function wrong<V>(value: unknown): V {
  return value as V; // it is not, on purpose
}
