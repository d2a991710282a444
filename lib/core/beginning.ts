/** More than is kept of any text, so that whoever masks it sees a number or token whole. */
const textMax = 4_096;

/** The beginning of a gateway's text; what stands at the cut goes too, because half a secret is not recognised. */
export const beginningOf = (text: string): string =>
  text.length <= textMax ? text : text.slice(0, textMax).replace(/[^\s"]+$/, "");
