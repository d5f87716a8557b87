/** Throws on a Node before 22.12, which lacks what this library calls. */
export function checkNode(version: string = process.versions.node): void {
  // As texts, 22.2 to 22.9 come after 22.12.
  if (version < "22.12" || /^22\.\d\./.test(version))
    throw new Error(`deep-agent needs Node 22.12 or later, not ${version}`);
}
