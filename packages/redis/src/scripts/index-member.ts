/** A member of the index that `recent` reads. */
export interface IndexMember {
  readonly memoryId: string;
  /** As the server has it: µs since 1970, in decimal digits. */
  readonly score: string;
}

/** From a list of member, score, member, score, … */
export function membersIn(list: unknown): IndexMember[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((memoryId: unknown, place) =>
    place % 2 === 0 ? [{ memoryId: String(memoryId), score: String(list[place + 1]) }] : [],
  );
}

/** To such a list. */
export function listOfMembers(members: readonly IndexMember[]): string[] {
  return members.flatMap(({ memoryId, score }) => [memoryId, score]);
}
