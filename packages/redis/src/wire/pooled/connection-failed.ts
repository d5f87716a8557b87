import { ConnectionFailed, type ConnectionFault } from "../failures.ts";

/** How far a connection had come when it failed, and what it is made of. */
interface Progress {
  /** Whether TCP, and TLS if it is used, were there. */
  readonly isLineUp: boolean;
  readonly usesTls: boolean;
  readonly protocol: 2 | 3;
  /** Whether the next connection may have another password. */
  readonly passwordMayChange: boolean;
}

/** What Node says if the bytes that came in place of TLS are something else. */
const notTls = /^(EPROTO|ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|UNSUPPORTED_PROTOCOL|HTTP_REQUEST))$/;

/** What Node and the client say if the other side ended the connection. */
const ended = /^(ECONNRESET|EPIPE|ECONNABORTED)$|closed unexpectedly|disconnected before/;

/** What the client says of the first byte of a TLS alert, or of another TLS record. */
const tlsRecord = /^Unknown RESP type (20|21|22)\b/;

/** Finds out why a connection could not be made. `message`: the error's, without the password. */
export function connectionFailed(message: string, code: unknown, progress: Progress): ConnectionFailed {
  return new ConnectionFailed(faultOf(message, String(code ?? ""), progress), message, { code });
}

function faultOf(
  message: string,
  code: string,
  { isLineUp, usesTls, protocol, passwordMayChange }: Progress,
): ConnectionFault | undefined {
  if (/max number of clients/i.test(message)) return "full";
  if (usesTls && !isLineUp) {
    if (notTls.test(code)) return "not TLS";
    return ended.test(code) || ended.test(message) || isTimeUp(message) ? "no TLS" : undefined;
  }
  if (!isLineUp) return undefined;
  if (!usesTls && tlsRecord.test(message)) return "TLS";
  if (ended.test(code) || ended.test(message)) return usesTls ? "hung up after TLS" : "hung up";
  if (/^(WRONGPASS|NOAUTH)\b|invalid (username-)?password/i.test(message)) {
    return passwordMayChange ? "old password" : undefined;
  }
  return protocol === 3 && refusesHello(message) ? "no hello" : undefined;
}

/** Whether a server or a proxy says that it does not know HELLO. A user without the right to it is something else. */
function refusesHello(message: string): boolean {
  if (/^(NOPERM|NOAUTH|LOADING|BUSY|DENIED)\b/.test(message)) return false;
  if (/^NOPROTO\b|\bhello\b/i.test(message)) return true;
  return (
    /(unknown|unsupported|invalid|not supported|not allowed).*(command|request)|unsupported/i.test(message) &&
    !/\b(select|auth|readonly)\b/i.test(message)
  );
}

function isTimeUp(message: string): boolean {
  return message.startsWith("timed out after") || message === "Connection timeout";
}
