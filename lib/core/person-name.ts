/**
 * Who decides, by name. A name is what somebody says, and authenticates nobody: these rules keep one person from being
 * taken for two, by mistake or by a record that is only looked at.
 */

/** Alphabets of which letters could be taken for another's, as Unicode calls them. */
const alphabets = ["Latin", "Greek", "Cyrillic", "Armenian", "Coptic", "Cherokee", "Lisu"];

/** What a name must be, where it could pass for another one or cannot be read. */
export const problemOfName = (name: string): string | undefined => {
  // Controls, invisible letters and marks, and what means nothing, or something to few.
  const isUnseen = /[\p{C}\p{Default_Ignorable_Code_Point}\u2028\u2029\u2800]/u.test(name);
  if (isUnseen || !/[\p{L}\p{N}]/u.test(name)) return "be letters and digits that can all be seen";
  const written = name.normalize("NFKC");
  return alphabets.filter((alphabet) => new RegExp(`\\p{Script=${alphabet}}`, "u").test(written)).length > 1
    ? "be written in one alphabet"
    : undefined;
};

/** Rows of letters and digits that look like those below them; from https://www.unicode.org/reports/tr39/ */
const alike: readonly (readonly [letters: string, latin: string])[] = [
  ["АВЕЗКМНОРСТУХЬІЈЅԚԜҺӀҮ", "ABE3KMHOPCTYXbIJSQWhlY"],
  ["аеорсухгіјѕһӏүԁԛԝѵѡ", "aeopcyxrijshlydqwvw"],
  ["ΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹϿ", "ABEZHIKMNOPTYXCJ"],
  ["αγηικνορστυχωϲϳ", "aynikvopotuxwcj"],
  ["ıI1o0", "illOO"],
];
const latinOf = (letter: string): string => {
  for (const [letters, latin] of alike) {
    const at = letters.indexOf(letter);
    if (at !== -1) return latin.charAt(at);
  }
  return letter;
};

/** Latin letters and digits; twice, since what a letter looks like may look like another. */
const latin = (text: string): string => text.replace(/./gsu, (letter) => latinOf(latinOf(letter)));

/** The letters and digits alone, without accents: who overlooks a case, a space or a sign overlooks these, too. */
const bare = (text: string): string =>
  text
    .normalize("NFKD")
    .replace(/\p{Default_Ignorable_Code_Point}/gu, "")
    .replace(/[\u0300-\u036f]|[^\p{L}\p{M}\p{N}]/gu, "");

/** What a name looks like as it is written, in small letters and in capitals. */
const looksOf = (name: string): readonly string[] => {
  const letters = bare(name);
  return [letters, bare(letters.toLowerCase()), bare(letters.toUpperCase())].map(latin);
};

/**
 * Whether two names could be one person's: alike but for case, spaces, signs, accents, and letters of Latin, Greek and
 * Cyrillic that look like each other.
 */
export const isSamePerson = (a: string, b: string): boolean => {
  const looks = looksOf(b);
  return looksOf(a).some((look, nth) => look === looks[nth]);
};
