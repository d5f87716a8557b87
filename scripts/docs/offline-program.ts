// Loaded before a program of the documentation. Packages that are not installed beside it are taken from the
// repository, and it reaches nothing but this machine.
import { registerHooks } from "node:module";
import { Socket } from "node:net";

const { DOCS_CHECK_TREE: tree = "", DOCS_CHECK_REPOSITORY: repository = "" } = process.env;

registerHooks({
  resolve(specifier, context, next) {
    try {
      return next(specifier, context);
    } catch (error) {
      if (/^(?:[./#]|\w+:)/.test(specifier)) throw error;
      const parent = context.parentURL ?? "";
      try {
        // From the same place in the repository, if the tree is a copy of it that nobody has installed.
        const parentURL = parent.startsWith(tree) ? repository + parent.slice(tree.length) : parent;
        return next(specifier, { ...context, parentURL });
      } catch {
        return next(specifier, { ...context, parentURL: `${repository}internal/acceptance/package.json` });
      }
    }
  },
});

const connect = Socket.prototype.connect;
Socket.prototype.connect = function (this: Socket, ...args: unknown[]): Socket {
  const target: unknown = [args[0]].flat()[0];
  const host = typeof target === "object" && target !== null && "host" in target ? target.host : args[1];
  if (typeof host === "string" && !/^(?:localhost|127\.[\d.]+|::1|\[::1\])$/.test(host)) {
    return this.destroy(new Error(`A program of the documentation may not connect to ${host}.`));
  }
  return Reflect.apply(connect, this, args);
};
