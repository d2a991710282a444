/** The card networks' rules on later attempts, as data; what is exported from the package. */
export * from "./limits.ts";
export * from "./mastercard.ts";
export * from "./network-word.ts";
export * from "./room.ts";
export * from "./rules-document.ts";
export * from "./sources.ts";
export * from "./visa.ts";
