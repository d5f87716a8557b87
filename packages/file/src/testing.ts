/*
 * For tests of what a disk may do: the seam between the backend and the file system, given as the option `fileSystem`.
 */
export { type FileStat, type FileSystem, nodeFileSystem, type OpenFile } from "./file-system.ts";
