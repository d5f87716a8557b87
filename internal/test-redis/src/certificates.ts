import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generate } from "selfsigned";

/** Certificates for localhost and 127.0.0.1, in PEM. Disposing of them removes their files. */
export interface Certificates extends AsyncDisposable {
  /** Holds `ca.crt`, `server.crt`, `server.key`, `client.crt` and `client.key`. */
  directory: string;
  /** The authority that signed the others. */
  ca: string;
  client: { cert: string; key: string };
  /** Arguments with which a redis-server speaks only TLS on its port. `askClients`: clients must show a certificate. */
  serverArgs(port: number, askClients?: boolean): string[];
}

/** Makes new certificates, and writes them into a folder of their own. */
export async function certificates(): Promise<Certificates> {
  const name = (value: string): { name: string; value: string }[] => [{ name: "commonName", value }];
  const options = { keyType: "ec", algorithm: "sha256" } as const;
  const authority = await generate(name("deep-agent test authority"), {
    ...options,
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  const ca = { key: authority.private, cert: authority.cert };
  const server = await generate(name("localhost"), {
    ...options,
    ca,
    extensions: [
      {
        name: "subjectAltName",
        altNames: [
          { type: 2, value: "localhost" },
          { type: 7, ip: "127.0.0.1" },
        ],
      },
    ],
  });
  const client = await generate(name("deep-agent test client"), { ...options, ca });
  const folder = await mkdtemp(join(tmpdir(), "deep-agent-tls-"));
  const files = { ca: join(folder, "ca.crt"), cert: join(folder, "server.crt"), key: join(folder, "server.key") };
  await Promise.all([
    writeFile(files.ca, authority.cert),
    writeFile(files.cert, server.cert),
    writeFile(files.key, server.private),
    writeFile(join(folder, "client.crt"), client.cert),
    writeFile(join(folder, "client.key"), client.private),
  ]);
  return {
    directory: folder,
    ca: authority.cert,
    client: { cert: client.cert, key: client.private },
    serverArgs: (port, askClients = false) => [
      ...["--port", "0", "--tls-port", String(port), "--tls-auth-clients", askClients ? "yes" : "no"],
      ...["--tls-ca-cert-file", files.ca, "--tls-cert-file", files.cert, "--tls-key-file", files.key],
    ],
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
