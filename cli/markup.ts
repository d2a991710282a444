/** Every value goes through here: what a gateway writes is text and never markup. */
const escaped = (value: string | number): string =>
  String(value).replace(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`);

/** Markup whose values are escaped, unless they are markup made here. */
export type Markup = { readonly markup: string };
export const html = (
  parts: TemplateStringsArray,
  ...values: readonly (string | number | Markup | readonly Markup[])[]
): Markup => ({
  markup: parts.reduce((text, part, at) => {
    const value = values[at - 1];
    const shown =
      typeof value === "object"
        ? "markup" in value
          ? value.markup
          : value.map(({ markup }) => markup).join("")
        : escaped(value ?? "");
    return `${text}${shown}${part}`;
  }),
});
export const nothing: Markup = { markup: "" };
