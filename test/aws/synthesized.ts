import { readFileSync } from "node:fs";
import { App } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { ChargeonceStack } from "../../infra/aws/stack.ts";
import { stageOf } from "../../infra/aws/stage.ts";

export type Resource = {
  readonly Type: string;
  // biome-ignore lint/suspicious/noExplicitAny: a template is JSON of any shape, and tests say which
  readonly Properties: Readonly<Record<string, any>>;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
};

export type Synthesized = {
  readonly app: App;
  readonly stack: ChargeonceStack;
  readonly template: Template;
  /** resources of a type, by logical id */
  of(type: string): Readonly<Record<string, Resource>>;
};

const file = JSON.parse(readFileSync(new URL("../../cdk.json", import.meta.url), "utf8")) as {
  context: Record<string, unknown>;
};

/** The stack of a stage as `npm run synth` makes it, with this beside the repository's own context. */
export const synthesized = (context: Readonly<Record<string, unknown>> = {}): Synthesized => {
  const app = new App({ context: { ...file.context, ...context } });
  const { name, stage } = stageOf((key) => app.node.tryGetContext(key));
  const stack = new ChargeonceStack(app, `chargeonce-${name}`, stage);
  const template = Template.fromStack(stack);
  return {
    app,
    stack,
    template,
    of: (type) => template.findResources(type) as Readonly<Record<string, Resource>>,
  };
};

/** A stage with everything that a stage may have. */
export const everything = {
  stage: "prod",
  settings: { CENTROBILL_FEED_URL: "https://feed.test" },
  credentials: [
    "CENTROBILL_API_KEY",
    "CENTRAPAY_API_KEY",
    "CENTROBILL_IPN_SECRET",
    "CENTROBILL_IPN_SECRET_PREVIOUS",
  ],
  alarmEmail: "on-call@merchant.test",
  tracing: true,
  reviewDesk: true,
  moneyLimits: { EUR: { unknown: "1000.00", review: "5000.00" }, JPY: { unknown: "100000", review: "1" } },
} as const;
