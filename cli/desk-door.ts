import { randomBytes } from "node:crypto";
import { isSameSecret } from "../lib/adapters/same-secret.ts";

/** Who was let in, and what proves that a form is one of this desk's. */
export type DeskSession = { readonly person: string; readonly formToken: string };

/** What a link is good for now. */
export type LinkState = "good" | "wrong" | "used" | "expired";

/**
 * The way into a desk on this machine: a link that works once, and the session that comes of it. Secrets are random,
 * live in this process alone, and are compared in constant time.
 */
export type DeskDoor = {
  /** the secret of the link; told to whoever started the desk, and to nobody else */
  readonly linkToken: string;
  /**
   * Everything of the desk stands under this folder, and so does its cookie: a browser sends a cookie to every port of a
   * host, and to no folder that it does not know.
   */
  readonly folder: string;
  linkState(token: string): LinkState;
  /** Uses the link up. Answers the cookie. */
  enter(person: string): string;
  /** @param cookies the header as it came */
  sessionOf(cookies: string | undefined): DeskSession | undefined;
};

export const linkLifeMs = 600_000;
export const sessionLifeMs = 12 * 3_600_000;
const cookieName = "chargeonce-desk";

const secret = (): string => randomBytes(32).toString("base64url");

export const deskDoor = (nowMs: () => number = Date.now): DeskDoor => {
  const linkToken = secret();
  const folder = `/${randomBytes(12).toString("base64url")}/`;
  const madeAtMs = nowMs();
  let session: (DeskSession & { readonly cookie: string; readonly untilMs: number }) | undefined;
  let used = false;
  return {
    linkToken,
    folder,
    linkState(token) {
      if (!isSameSecret(token, linkToken)) return "wrong";
      if (used) return "used";
      return nowMs() - madeAtMs < linkLifeMs ? "good" : "expired";
    },
    enter(person) {
      used = true;
      session = { person, formToken: secret(), cookie: secret(), untilMs: nowMs() + sessionLifeMs };
      return `${cookieName}=${session.cookie}; HttpOnly; SameSite=Strict; Path=${folder}; Max-Age=${sessionLifeMs / 1_000}`;
    },
    sessionOf(cookies = "") {
      const given = cookies.split(";").flatMap((one) => {
        const [name, value] = one.trim().split("=");
        return name === cookieName && value !== undefined ? [value] : [];
      });
      const current = session;
      if (current === undefined || nowMs() >= current.untilMs) return undefined;
      return given.some((value) => isSameSecret(value, current.cookie)) ? current : undefined;
    },
  };
};
