/*
 * For tests of what a disk may do: the interface between the backend and the file system, for the option `fileSystem`.
 */
export { type FileStat, type FileSystem, nodeFileSystem, type OpenFile } from "./file-system.ts";
