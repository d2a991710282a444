/** The embedded stack's SQS and the request translators need it. */
const needed = [22, 5] as const;

/** Why this Node cannot run charges, or `undefined`: what it lacks would show only half-way through a run. */
export const nodeProblem = (version: string): string | undefined => {
  const [major = 0, minor = 0] = version.replace(/^v/, "").split(".").map(Number);
  return major > needed[0] || (major === needed[0] && minor >= needed[1])
    ? undefined
    : `needs Node ${needed.join(".")} or newer, this is ${version}; npm start -- <command> brings its own`;
};
