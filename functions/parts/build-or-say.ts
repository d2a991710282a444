import { SettingsError } from "../../lib/settings.ts";

/** Builds a function's parts at its start; settings that cannot be worked with are said, every problem named. */
export const buildOrSay = <T>(functionName: string, make: (functionName: string) => T): T => {
  try {
    return make(functionName);
  } catch (error) {
    if (error instanceof SettingsError) process.stderr.write(`${functionName}: ${error.message}\n`);
    throw error;
  }
};
