import { inspect } from "node:util";
import { describe, expect, it } from "@jest/globals";
import { expectTypeOf } from "expect-type";
import fc from "fast-check";
import { type BackendConfig, type MemoryBackend, MemoryError, type Message, openBackend } from "../src/index.ts";

/** A backend with the four methods, and the config that its `fromConfig` was given. */
function backendFrom(config: unknown) {
  return { config, load: async () => null, save: async () => {}, delete: async () => {}, list: async () => [] };
}

async function errorOf(open: Promise<unknown>): Promise<MemoryError> {
  const error = await open.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!MemoryError.is(error, "INVALID_CONFIG")) throw new Error(`Not an INVALID_CONFIG: ${inspect(error)}`);
  return error;
}

describe("an address that no adapter serves is refused with a list of the known schemes", () => {
  it.each([
    ["reddis://localhost", "redis:"],
    ["redi://localhost", "redis:"],
    ["redis", "redis:"],
    ["redis+tls://localhost", "rediss:"],
    ["valkey://localhost", "redis:"],
    ["files:./memories", "file:"],
    ["flie:./memories", "file:"],
    ["./memories", "file:<path>"],
    ["../memories", "file:<path>"],
    ["/var/memories", "file:<path>"],
    ["~/memories", "file:<path>"],
    ["C:\\memories", "file:<path>"],
    ["in-memory:", "memory:"],
    ["mem:", "memory:"],
    ["memroy:", "memory:"],
    ["localhost:6379", "redis://<host>:<port>"],
    ["127.0.0.1:6379", "redis://<host>:<port>"],
    [":6379", "redis://<host>:<port>"],
  ])("%s, which probably meant %s", async (url, meant) => {
    const error = await errorOf(openBackend(url));
    expect(error.message).toContain(`Did you mean "${meant}"?`);
    expect(error.message).toContain('The known schemes are "redis:", "rediss:", "file:", "memory:"');
    expect(error.outcome).toBe("not-applied");
  });

  it.each([
    "",
    "   ",
    "postgres://localhost",
    "fs:./memories",
    "https://example.org",
    "@acme/memory-s3",
    "://",
    "redis//localhost:x",
    "s3:bucket",
  ])("%j, which resembles no known scheme", async (url) => {
    const error = await errorOf(openBackend(url));
    expect(error.message).not.toContain("Probably");
    expect(error.message).toContain('The known schemes are "redis:", "rediss:", "file:", "memory:"');
  });

  it("names the package to install if only that is missing", async () => {
    // Node's own error. It is made here, because the package may be linked where these tests run.
    const load = async (name: string): Promise<never> => {
      throw Object.assign(new Error(`Cannot find package '${name}' imported from here`), {
        code: "ERR_MODULE_NOT_FOUND",
      });
    };
    const { hint } = await errorOf(openBackend("redis://localhost", { load }));
    expect(hint).toBe("Install it: npm install @deep-agent/redis");
  });
});

describe("a config that is not an address must name an adapter", () => {
  it.each([
    undefined,
    null,
    7,
    [],
    {},
    { adapter: "" },
    { adapter: 5 },
    { adapter: "a", url: 5 },
    { url: "redis://h" },
  ])("%j does not", async (config) => {
    const load = async () => ({ fromConfig: backendFrom });
    const error = await errorOf(openBackend(config as unknown as BackendConfig, { load }));
    expect(error.message).toContain("neither an address nor an object that names an adapter");
  });

  it.each(["redis://localhost", "@acme", "@acme/", "..", "node:fs", "%2e", "", "a:b"])(
    "%j is not the name of an adapter",
    async (adapter) => {
      expect((await errorOf(openBackend({ adapter }))).code).toBe("INVALID_CONFIG");
    },
  );
});

describe("the value that fromConfig returns must be a backend", () => {
  it.each<[string, unknown, string]>([
    ["nothing", undefined, "`load`, `save`, `delete`, `list`"],
    ["null", null, "`load`, `save`, `delete`, `list`"],
    ["text", "backend", "`load`, `save`, `delete`, `list`"],
    ["three methods of four", { ...backendFrom({}), delete: undefined }, "It lacks `delete`."],
  ])("%s is not a backend", async (_name, made, missing) => {
    const open = openBackend({ adapter: "mine" }, { load: async () => ({ fromConfig: () => made }) });
    expect((await errorOf(open)).message).toContain(missing);
  });

  it("whether it is returned directly or as a promise", async () => {
    const load = async () => ({ fromConfig: async (config: unknown) => backendFrom(config) });
    expect(await openBackend({ adapter: "mine" }, { load })).toHaveProperty("load");
  });
});

describe("`load` replaces the search", () => {
  it("is given the adapter's name, and may return a module or its default export", async () => {
    const asked: string[] = [];
    const module = { fromConfig: backendFrom };
    const load = async (name: string) => {
      asked.push(name);
      return name === "@deep-agent/redis" ? module : { default: module };
    };
    expect(await openBackend("redis://h", { load })).toMatchObject({
      config: { adapter: "@deep-agent/redis", url: "redis://h" },
    });
    expect(await openBackend({ adapter: "not a package" }, { load })).toMatchObject({
      config: { adapter: "not a package" },
    });
    expect(asked).toEqual(["@deep-agent/redis", "not a package"]);
  });

  it("and if it finds nothing, the error still has the install command", async () => {
    const absent = Object.assign(new Error("Cannot find package '@acme/s3' imported from /app/main.js"), {
      code: "ERR_MODULE_NOT_FOUND",
    });
    const broken = Object.assign(new Error("Cannot find package 'its-own' imported from /app/s3.js"), {
      code: "ERR_MODULE_NOT_FOUND",
    });
    const failing = (error: Error) => openBackend({ adapter: "@acme/s3" }, { load: () => Promise.reject(error) });
    expect(await errorOf(failing(absent))).toMatchObject({
      hint: "Install it: npm install @acme/s3",
      cause: { message: absent.message },
    });
    expect(await errorOf(failing(broken))).toMatchObject({
      hint: "See the cause.",
      cause: { message: broken.message },
    });
  });

  it("a module without fromConfig is refused", async () => {
    for (const module of [undefined, null, {}, { fromConfig: {} }, { default: {} }]) {
      const error = await errorOf(openBackend({ adapter: "mine" }, { load: async () => module }));
      expect(error.message).toContain("does not export `fromConfig`");
    }
  });
});

describe("the config of the caller does not change", () => {
  it("the adapter gets a frozen copy", async () => {
    const config = { adapter: "mine", bucket: "b" };
    let given: BackendConfig | undefined;
    const fromConfig = (copy: BackendConfig) => {
      given = copy;
      return backendFrom(copy);
    };
    await openBackend(config, { load: async () => ({ fromConfig }) });
    expect(given).toEqual(config);
    expect(given).not.toBe(config);
    expect(Object.isFrozen(given)).toBe(true);
    expect(Object.isFrozen(config)).toBe(false);
  });
});

describe("no error shows a password", () => {
  const CANARY = "Canary-5ecret";

  /** Adapters that put everything they know into their errors, as many clients do. */
  const talkative = [
    (config: BackendConfig) => {
      throw Object.assign(new TypeError(`Invalid URL: ${config.url} ${inspect(config)}`), {
        input: config.url,
        config,
      });
    },
    (config: BackendConfig) => {
      throw new MemoryError("INVALID_CONFIG", `Cannot use ${config.url}.`, {
        hint: inspect(config),
        cause: new Error(inspect(config)),
      });
    },
    (config: BackendConfig) => {
      throw new MemoryError("UNAVAILABLE", "No.", { cause: Object.assign(new Error("Refused."), { config }) });
    },
    (config: BackendConfig) => Promise.reject(`${config.url} ${inspect(config)}`),
    (config: BackendConfig) => inspect(config),
  ];

  function showsOf(error: unknown): string {
    return `${inspect(error, { depth: 10, showHidden: true, maxStringLength: null })} ${JSON.stringify(error)} ${String(error)}`;
  }

  async function expectSilence(config: string | BackendConfig, secret: string): Promise<void> {
    for (const fromConfig of talkative) {
      const error = await errorOf(openBackend(config, { load: async () => ({ fromConfig }) }));
      expect(showsOf(error)).not.toContain(secret);
    }
    const missing = await errorOf(openBackend(config));
    expect(showsOf(missing)).not.toContain(secret);
  }

  it.each([
    "redis://:C@host",
    "redis://user:C@host:not-a-port",
    "redis://user:C/x@host",
    "redis://user:x/C@host",
    "redis://user:x@C@host",
    "redis://user:x#C@host",
    "redis://user:x?C@host",
    "redis://user:%zzC@host",
    "redis:/:C@host",
    "redis::C@host",
    "rediss://h?password=C",
    "file://user:C@host/x",
    "  redis://u:C@h\n",
    "reddis://:C@host",
    "redis//:C@host",
    "http://u:C@h",
    "user:C@host:6379",
    ":C@host",
    "C@host",
    "C",
    "C:6379",
    "C:x@host",
  ])("of the address %s", async (address) => {
    await expectSilence(address.replace("C", CANARY), CANARY);
  });

  it.each<BackendConfig>([
    { adapter: "@acme/x", url: "redis://u:C@h" },
    { adapter: "@acme/x", url: "not: an: address:C@x" },
    { adapter: "@acme/x", password: "C" },
    { adapter: "@acme/x", accessToken: "C" },
    { adapter: "@acme/x", secretAccessKey: "C" },
    { adapter: "redis://:C@host" },
    { adapter: "user:C@host" },
    { adapter: "", password: "C" },
  ])("of the object %j", async (config) => {
    await expectSilence(
      JSON.parse(JSON.stringify(config).replace("C@", `${CANARY}@`).replace('"C"', JSON.stringify(CANARY))),
      CANARY,
    );
  });

  it("of an address that the adapter splits at the wrong places", async () => {
    const fromConfig = ({ url = "" }: BackendConfig) => {
      throw new Error(`The database "${url.split("/").at(-1)}" is not a number.`);
    };
    const error = await errorOf(openBackend(`redis://user:x/${CANARY}@host`, { load: async () => ({ fromConfig }) }));
    expect(error.cause).toMatchObject({ message: 'The database "***@host" is not a number.' });
  });

  it("that contains another password", async () => {
    const config = { adapter: "@acme/x", url: "redis://u:5ecret@h", password: `5ecret-${CANARY}` };
    const fromConfig = ({ password }: BackendConfig) => Promise.reject(new Error(`Wrong password: ${password}`));
    const error = await errorOf(openBackend(config, { load: async () => ({ fromConfig }) }));
    expect(error.cause).toMatchObject({ message: "Wrong password: ***" });
  });

  it("with any characters, and with any escapes", async () => {
    const password = fc.string({ unit: "grapheme", minLength: 4 }).map((text) => `5e${text}`);
    await fc.assert(
      fc.asyncProperty(password, fc.boolean(), async (secret, escaped) => {
        const url = `redis://user:${escaped ? encodeURIComponent(secret) : secret}@host`;
        for (const say of [() => url, () => decodeURIComponent(escaped ? url : ""), () => secret]) {
          const fromConfig = () => {
            throw new Error(`Bad address ${say()}!`);
          };
          const error = await errorOf(openBackend(url, { load: async () => ({ fromConfig }) }));
          const { message } = error.cause as Error;
          expect(`${error.message} ${message}`.includes(secret)).toBe(false);
        }
      }),
    );
  });

  it("but an adapter's own error without a password is passed on unchanged", async () => {
    const own = new MemoryError("INVALID_CONFIG", "There is no parameter `tll`.", {
      backend: "redis",
      hint: "Did you mean `ttl`?",
    });
    const fromConfig = () => {
      throw own;
    };
    await expect(openBackend(`redis://u:${CANARY}@h?tll=5`, { load: async () => ({ fromConfig }) })).rejects.toBe(own);
  });
});

describe("its type is that of the stored records", () => {
  it("messages by default", () => {
    expectTypeOf(openBackend<Message>).toEqualTypeOf<typeof openBackend>;
    expectTypeOf(() => openBackend("memory:")).returns.resolves.toEqualTypeOf<MemoryBackend<Message>>();
    expectTypeOf(openBackend<{ n: number }>).returns.resolves.toEqualTypeOf<MemoryBackend<{ n: number }>>();
    expectTypeOf(openBackend).parameter(0).toEqualTypeOf<string | BackendConfig>();
  });
});
