import fc from "fast-check";

/** Text of any code points, lone surrogates among them. (`unit: "binary"` takes most of a second to be made.) */
export const anyCodePoints = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 0x7f }), fc.integer({ min: 0, max: 0x10ffff })), {
    maxLength: 200,
  })
  .map((points) => String.fromCodePoint(...points));
