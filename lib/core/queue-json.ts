/**
 * JSON in the writing that every queue takes: AWS refuses U+FFFE and U+FFFF, some endpoints whatever lies beyond
 * U+FFFF (emoji). Escaped they read the same, since JSON can have them inside its strings only.
 */
export const queueJson = (json: string): string =>
  json.replace(/[\ud800-\udfff\ufffe\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16)}`);
