import { createHash, createHmac, type Hash } from "node:crypto";

/** The hash that the SDK's signer wants to be given. */
export class SdkSha256 {
  readonly #hash: Hash | ReturnType<typeof createHmac>;
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash("sha256") : createHmac("sha256", secret as never);
  }
  update(text: string | Uint8Array): void {
    this.#hash.update(text);
  }
  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest());
  }
  reset(): void {}
}
