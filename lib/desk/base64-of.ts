/** Hex as base64, as the hashes of a `Content-Security-Policy` are written. */
export const base64Of = (hex: string): string =>
  btoa((hex.match(/../g) ?? []).map((byte) => String.fromCharCode(Number.parseInt(byte, 16))).join(""));
