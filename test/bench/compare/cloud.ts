/**
 * The other side of the measure, in a process of its own so that its work is in nobody's figure: the gateway,
 * DynamoDB and SQS on the loopback, over TLS where it is given a key. It says yes to everything, after as long as it was told, and
 * counts. Started by `running.ts`, with key and certificate in its environment.
 */
import { createHash } from "node:crypto";
import { createServer as createPlainServer, type RequestListener } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";

export type CloudRequest =
  | {
      readonly kind: "settings";
      readonly gatewayMs: number;
      readonly awsMs: number;
      readonly silentShare: number;
    }
  | { readonly kind: "counts" };
/** Requests by AWS operation, `payment` for the gateway, and `writeUnits` of DynamoDB. */
export type CloudCounts = Readonly<Record<string, number>>;
export type CloudAnswer =
  | { readonly kind: "ready"; readonly port: number }
  | { readonly kind: "counts"; readonly counts: CloudCounts; readonly gatewayInFlightMax: number };

const parent = process.send?.bind(process);
if (parent === undefined) throw new Error("the cloud is started by a bench");
process.on("disconnect", () => process.exit(0));

let settings = { gatewayMs: 0, awsMs: 0, silentShare: 0 };
let counts = new Map<string, number>();
let inFlight = 0;
let inFlightMax = 0;
const count = (name: string, by = 1): void => void counts.set(name, (counts.get(name) ?? 0) + by);

const unitBytes = 1_024;
type Fields = Record<string, unknown>;
type Value = Readonly<Record<string, string>>;

const bytesOf = (value: Value): number =>
  value["B"] === undefined
    ? Buffer.byteLength(Object.values(value).join(""))
    : Buffer.from(value["B"], "base64").length;

/** The size of an item as DynamoDB bills it, as far as it is in the request: names and values. */
const unitsOf = (values: readonly Value[], names: readonly string[]): number => {
  const sizes = [...names.map((name) => Buffer.byteLength(name)), ...values.map(bytesOf)];
  return Math.ceil(sizes.reduce((sum, size) => sum + size, 0) / unitBytes);
};

type Statement = { readonly Statement: string; readonly Parameters?: readonly Value[] };

/** DynamoDB's answer to a write that took hold, by its operation. */
const dynamodb = (operation: string, asked: Fields): Fields => {
  if (operation === "BatchExecuteStatement") {
    const statements = asked["Statements"] as readonly Statement[];
    for (const { Statement, Parameters = [] } of statements)
      count("writeUnits", unitsOf(Parameters, Statement.match(/\w+(?="? *=|': *\?)/g) ?? []));
    return { Responses: statements.map(() => ({ TableName: "ledger" })) };
  }
  if (operation === "PutItem") {
    const item = asked["Item"] as Readonly<Record<string, Value>>;
    count("writeUnits", unitsOf(Object.values(item), Object.keys(item)));
  }
  // Powertools' records are well below a unit.
  if (operation === "UpdateItem" || operation === "DeleteItem") count("writeUnits");
  return {};
};

type Entry = { readonly Id: string; readonly MessageBody?: string };

/** SQS's answer to a batch: the SDK compares the hash of each text that it sent. */
const sqs = (asked: Fields): Fields => ({
  Successful: ((asked["Entries"] ?? []) as Entry[]).map(({ Id, MessageBody = "" }) => ({
    Id,
    MessageId: Id,
    MD5OfMessageBody: createHash("md5").update(MessageBody).digest("hex"),
  })),
  Failed: [],
});

let transactions = 0;
/** Centrobill's answer to a payment that went through. */
const payment = (asked: Fields): Fields => {
  const sku = asked["sku"] as { price: [{ amount: number; currency: string }] };
  const [{ amount, currency }] = sku.price;
  const transactionId = String(4_000_000_000 + ++transactions);
  return {
    payment: {
      code: 0,
      status: "success",
      action: "charge",
      mode: "sale",
      amount,
      currency,
      transactionId,
      orderId: transactionId,
      description: "Success",
    },
    consumer: asked["consumer"],
    metadata: asked["metadata"],
  };
};

const answer: RequestListener = (request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const body = Buffer.concat(chunks).toString();
    const asked = JSON.parse(body === "" ? "{}" : body) as Fields;
    const [service, operation = ""] = String(request.headers["x-amz-target"] ?? "").split(".");
    const toGateway = operation === "";
    count(toGateway ? "payment" : operation);
    // By its request id, so that a resend is not answered either.
    const nth = Number.parseInt(String(request.headers["x-request-id"]).slice(0, 8), 16);
    if (toGateway && (nth % 1_000) / 1_000 < settings.silentShare) return;
    if (toGateway) inFlightMax = Math.max(inFlightMax, ++inFlight);
    const told = toGateway
      ? payment(asked)
      : service === "AmazonSQS"
        ? sqs(asked)
        : dynamodb(operation, asked);
    const text = JSON.stringify(told);
    const send = (): void => {
      if (toGateway) inFlight -= 1;
      response.writeHead(toGateway ? 201 : 200, {
        "content-type": toGateway ? "application/json" : "application/x-amz-json-1.0",
        "content-length": Buffer.byteLength(text),
        "x-amzn-requestid": "00000000-0000-4000-8000-000000000000",
      });
      response.end(text);
    };
    const afterMs = toGateway ? settings.gatewayMs : settings.awsMs;
    if (afterMs === 0) send();
    else setTimeout(send, afterMs);
  });
};
const { CLOUD_KEY: key, CLOUD_CERT: cert } = process.env;
const keepAliveTimeout = 60_000;
const server =
  key === undefined || cert === undefined
    ? createPlainServer({ keepAliveTimeout }, answer)
    : createServer({ key, cert, keepAliveTimeout }, answer);

process.on("message", (message) => {
  const request = message as CloudRequest;
  if (request.kind === "settings") {
    settings = request;
    return;
  }
  parent({
    kind: "counts",
    counts: Object.fromEntries(counts),
    gatewayInFlightMax: inFlightMax,
  } satisfies CloudAnswer);
  counts = new Map();
  inFlightMax = 0;
});
server.listen(0, "127.0.0.1", () =>
  parent({ kind: "ready", port: (server.address() as AddressInfo).port } satisfies CloudAnswer),
);
