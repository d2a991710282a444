import { type GatheringLog, jsonLog } from "../../lib/adapters/log.ts";
import { clock } from "./machine.ts";

/** The log of a function: lines on its standard output, as CloudWatch takes them. */
export const logOf = (functionName: string): GatheringLog =>
  jsonLog({
    gathers: true,
    write: (line) => process.stdout.write(`${line}\n`),
    nowMs: clock.nowMs,
    // Two stacks in one account have the same functions under different names: their metrics stay apart.
    functionName: process.env["AWS_LAMBDA_FUNCTION_NAME"] ?? functionName,
  });
