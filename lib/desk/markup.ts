/**
 * Every value goes through here: what a gateway, a message or a person writes is text and never markup. What nobody
 * would see, or what would turn the text around it, is shown as a mark.
 */
const escaped = (value: string | number): string =>
  String(value)
    .replace(/[^\P{C}\n\t]/gu, "\ufffd")
    .replace(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`);

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
