export type EnvFile = { readonly path: string; readonly variables: Readonly<Record<string, string>> };

/** The env file of each stack, from what `cdk deploy --outputs-file` wrote. Throws where it is not that. */
export const envFilesOf = (outputsJson: string): readonly EnvFile[] => {
  const stacks = JSON.parse(outputsJson) as Record<string, Record<string, string>>;
  return Object.entries(stacks).flatMap(([stack, outputs]) => {
    const variables = outputs["Variables"];
    return variables === undefined
      ? []
      : [{ path: `${stack}.env`, variables: JSON.parse(variables) as Record<string, string> }];
  });
};
