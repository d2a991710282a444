import { App, Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import { ChargeonceStack } from "./stack.ts";
import { stageOf } from "./stage.ts";
import { WrongProps } from "./wrong-props.ts";

/** The app that `cdk` runs: one stack, of the stage that the context names. */
try {
  const app = new App();
  const { name, stage } = stageOf((key) => app.node.tryGetContext(key));
  new ChargeonceStack(app, `chargeonce-${name}`, stage);
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  app.synth();
} catch (error) {
  if (!(error instanceof WrongProps)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
