import type { AwsCredentials, SignatureScope } from "./quick-signature.ts";

/** Where requests of a kind go, and what is the same in each of them. */
export type Form = SignatureScope & {
  readonly url: string;
  /** by lower-case names */
  readonly headers: Readonly<Record<string, string>>;
};

/** The services whose requests may go past the SDK. */
export type QuickService = "dynamodb" | "sqs";

/** A request of the SDK's as it goes out. */
export type SignedRequest = {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly query?: object;
  readonly headers: Readonly<Record<string, string>>;
};

/** Headers that are the same in every request of a kind. */
const kept = ["content-type", "host", "user-agent", "x-amz-target", "x-amz-user-agent", "x-amzn-query-mode"];
const credentialScope = /Credential=[^/]+\/\d{8}\/([^/]+)\/([^/]+)\/aws4_request/;

/** The form of a request that the SDK made. `undefined` where it would have to be written as the signature has it. */
export const formOfRequest = (request: SignedRequest): Form | undefined => {
  const { protocol, hostname, port, path, query, headers } = request;
  const own = Object.fromEntries(
    Object.entries(headers).map(([name, value]): [string, string] => [name.toLowerCase(), value]),
  );
  const [, region, service] = credentialScope.exec(own["authorization"] ?? "") ?? [];
  // A path or a query is the SDK's.
  if (path !== "/" || Object.keys(query ?? {}).length > 0) return undefined;
  if (region === undefined || service === undefined || own["host"] === undefined) return undefined;
  return {
    url: `${protocol}//${hostname}${port === undefined ? "" : `:${port}`}/`,
    headers: Object.fromEntries(kept.flatMap((name) => (own[name] === undefined ? [] : [[name, own[name]]]))),
    region,
    service,
  };
};

type Environment = Readonly<Record<string, string | undefined>>;

const versionOf: Readonly<Record<QuickService, string>> = {
  dynamodb: "DynamoDB_20120810",
  sqs: "AmazonSQS",
};
/** SQS's errors keep their old names for whoever says so, as the SDK does. */
const moreOf: Readonly<Record<QuickService, Readonly<Record<string, string>>>> = {
  dynamodb: {},
  sqs: { "x-amzn-query-mode": "true" },
};

/** Regions whose addresses end in `amazonaws.com` (the partition `aws` of the SDK's own endpoint rules). */
const plainRegion = /^(?:us|eu|ap|sa|ca|me|af|il|mx)-\w+-\d+$/;
/** What changes an address, or who signs, in a way that is the SDK's to know. */
const notPlain = [
  "AWS_ACCOUNT_ID",
  "AWS_ACCOUNT_ID_ENDPOINT_MODE",
  "AWS_CONFIG_FILE",
  "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
  "AWS_PROFILE",
  "AWS_SHARED_CREDENTIALS_FILE",
  "AWS_SIGV4A_SIGNING_REGION_SET",
  "AWS_USE_DUALSTACK_ENDPOINT",
  "AWS_USE_FIPS_ENDPOINT",
];

const isSet = (env: Environment, name: string): boolean => (env[name] ?? "") !== "";

/** The address that the environment names, else that of the region, in a Lambda function alone: elsewhere files may name one. */
const addressOf = (env: Environment, service: QuickService, region: string): URL | undefined => {
  const named = env[`AWS_ENDPOINT_URL_${service.toUpperCase()}`] || env["AWS_ENDPOINT_URL"] || undefined;
  if (named === undefined)
    return isSet(env, "AWS_LAMBDA_FUNCTION_NAME") && plainRegion.test(region)
      ? new URL(`https://${service}.${region}.amazonaws.com/`)
      : undefined;
  const url = URL.canParse(named) ? new URL(named) : undefined;
  const bare = url !== undefined && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`;
  return bare ? url : undefined;
};

/**
 * The form of a service's operation, where the environment alone says all of it: a function's own region in the
 * partition `aws`, or an address without a path. `undefined` for anything else, which is the SDK's to resolve.
 */
export const formOfEnvironment = (
  env: Environment,
  service: QuickService,
  operation: string,
): Form | undefined => {
  const region = env["AWS_REGION"] ?? "";
  if (!/^[a-z0-9-]+$/.test(region) || notPlain.some((name) => isSet(env, name))) return undefined;
  const url = addressOf(env, service, region);
  if (url === undefined || credentialsOfEnvironment(env) === undefined) return undefined;
  return {
    url: url.href,
    headers: {
      "content-type": "application/x-amz-json-1.0",
      host: url.host,
      "user-agent": "chargeonce",
      "x-amz-target": `${versionOf[service]}.${operation}`,
      ...moreOf[service],
    },
    region,
    service,
  };
};

/** The credentials that Lambda gives a function, which are the only ones that its bundle looks for. */
export const credentialsOfEnvironment = (env: Environment): AwsCredentials | undefined => {
  const [accessKeyId = "", secretAccessKey = ""] = [env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"]];
  if (accessKeyId === "" || secretAccessKey === "") return undefined;
  const sessionToken = env["AWS_SESSION_TOKEN"];
  return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
};
