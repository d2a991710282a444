/** How a command ends (contract, section 3). */
export const exitStatus = {
  /** all charges are final */
  allFinal: 0,
  /** some wait for a person, or something is wrong that a person must see */
  someInReview: 1,
  /** wrong usage, configuration or input file */
  usage: 2,
  /** stopped by a signal, state kept */
  interrupted: 130,
} as const;
export type ExitStatus = (typeof exitStatus)[keyof typeof exitStatus];
