import { readFileSync } from "node:fs";
import type { Plugin } from "esbuild";

const noMachine = "export const getInstanceMetadataRegion = async () => undefined;";

/** Parts of the AWS SDK that no function reaches, and that would be a third of its bundle. */
const leftOut: Readonly<Record<string, string>> = {
  // Lambda gives a function its credentials in the environment. The chain that would look for others (profiles,
  // single sign-on, roles of other services) brings five clients of its own.
  "@aws-sdk/credential-provider-node":
    'export { fromEnv as defaultProvider } from "@aws-sdk/credential-provider-env";',
  // Imported when an operation has a stream of events; DynamoDB and SQS have none.
  "@smithy/core/event-streams": "export {};",
  // Keeps the addresses of endpoint discovery, a handful, where somebody turns that on.
  "mnemonist/lru-cache":
    "export default class extends Map { constructor() { super(); } peek(key) { return this.get(key); } }",
  // Tells one browser from another.
  bowser: "export {};",
  // For runtimes without a SHA-256 or an MD5 of their own.
  "./Sha256Js": "export const Sha256Js = undefined;",
  "./Md5Js": "export const Md5Js = undefined;",
  // Signs messages of a stream of events.
  "./HeaderFormatter": "export class HeaderFormatter {}",
  // Asks a machine of EC2 where it stands. Lambda names the region in the environment.
  "./getInstanceMetadataRegion": noMachine,
  "../config-resolver/regionConfig/getInstanceMetadataRegion": noMachine,
};

/** Of its own `package.json` a client takes the version alone. */
const ownPackage = /@aws-sdk[\\/]client-[a-z]+[\\/]package\.json$/;

/** Makes a bundle of what Lambda is, and of nothing else. */
export const lambdaOnly: Plugin = {
  name: "lambda-only",
  setup(build) {
    build.onLoad({ filter: ownPackage }, ({ path }) => {
      const { version } = JSON.parse(readFileSync(path, "utf8")) as { readonly version: string };
      return { contents: JSON.stringify({ version }), loader: "json" };
    });
    build.onResolve(
      {
        filter:
          /^@(aws-sdk|smithy)\/|^bowser$|^mnemonist\/|\/(Sha256Js|Md5Js|HeaderFormatter|getInstanceMetadataRegion)$/,
      },
      ({ path, resolveDir }) =>
        leftOut[path] === undefined
          ? undefined
          : { path, namespace: "left-out", pluginData: resolveDir, sideEffects: false },
    );
    build.onLoad({ filter: /./, namespace: "left-out" }, ({ path, pluginData }) => ({
      contents: leftOut[path] ?? "",
      resolveDir: pluginData as string,
      loader: "js",
    }));
  },
};
