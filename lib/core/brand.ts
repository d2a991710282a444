declare const brand: unique symbol;

/** A `Base` that cannot be mixed up with another `Base`: only the function that checks it may make one. */
export type Brand<Base, Name extends string> = Base & { readonly [brand]: Name };
