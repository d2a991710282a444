import { describe, expect, test } from "vitest";
import type { Json } from "../../lib/core/json.ts";
import {
  defaultFeedProfile,
  parseFeedProfile,
  rowFields,
} from "../../lib/gateways/centrobill/feed-profile.ts";

const said = (file: Json): readonly string[] => {
  const parsed = parseFeedProfile(file);
  return parsed.ok ? [] : parsed.problems;
};
const profileOf = (file: Json) => {
  const parsed = parseFeedProfile(file);
  if (!parsed.ok) throw new Error(parsed.problems.join());
  return parsed.profile;
};

describe("a feed profile", () => {
  const object = "the feed profile must be a JSON object";
  const path = "path: must be a path that begins with /";
  const name = "must be a parameter name";
  const time = 'timeFormat: must be "iso", "unix", or {format: "YYYY-MM-DD HH:mm:ss", zone: an IANA zone}';
  const style = 'paging.style: must be "page", "offset", "cursor" or "none"';
  const first = "paging.first: must be 0 or 1";
  const limit = "paging.limit: must be a whole number from 1 to 10000";
  const pages = "paging.pagesMax: must be a whole number from 1 to 100000";
  const plain = "must be a path like meta.total";
  const field = "fields.code: must be a path like meta.total, or a list of them";
  const rows = 'rowsPath: must be a path, or "" where the answer itself is the list';
  const none = "no such part of a feed profile";
  const shared =
    "params: must be another name for each thing that is asked for at once, auth.name among them";

  test.each<[Json, problems: string[], reason: string]>([
    [{}, [], "the default"],
    [defaultFeedProfile as unknown as Json, [], "the default in words"],
    [null, [object], "null"],
    [[], [object], "a list"],
    ["iso", [object], "a word"],
    [{ host: "a.example" }, [`host: ${none}`], "a part that is not known"],
    [{ toString: "x" }, [`toString: ${none}`], "a member of every object"],

    [{ path: "/" }, [], "the shortest"],
    [{ path: "/v2/feed" }, [], "a path"],
    [{ path: "feed" }, [path], "without a slash"],
    [{ path: "to /feed" }, [path], "a slash further in"],
    [{ path: "/a feed" }, [path], "a space"],
    [{ path: ["/feed"] }, [path], "a list"],

    [{ params: { from: "since", to: "filter[to]", page: "p.1", limit: "n-1", orderId: "_o" } }, [], "names"],
    [{ params: "since" }, ["params: must be an object"], "a word"],
    [{ params: ["since"] }, ["params: must be an object"], "a list"],
    [{ params: { since: "x" } }, [`params.since: ${none}`], "a parameter that is not known"],
    [{ params: { toString: "x" } }, [`params.toString: ${none}`], "a member of every object"],
    [{ params: { from: "" } }, [`params.from: ${name}`], "empty"],
    [{ params: { to: "a b" } }, [`params.to: ${name}`], "a space"],
    [{ params: { page: "&x" } }, [`params.page: ${name}`], "another parameter's beginning"],
    [{ params: { limit: "x=" } }, [`params.limit: ${name}`], "a value's beginning"],
    [{ params: { orderId: 1 } }, [`params.orderId: ${name}`], "a number"],
    [{ params: { transactionId: ["x"] } }, [`params.transactionId: ${name}`], "a list"],
    [{ params: { from: "x".repeat(100) } }, [], "the longest"],
    [{ params: { from: "x".repeat(101) } }, [`params.from: ${name}`], "a longer one"],

    [{ params: { from: "date", to: "date" } }, [shared], "one name for both ends: only one would be sent"],
    [{ params: { to: "dateFrom" } }, [shared], "the default's name of another"],
    [{ params: { page: "limit" } }, [shared], "of the limit"],
    [{ params: { orderId: "id", transactionId: "id" } }, [], "the ids are asked for one at a time"],
    [{ params: { orderId: "dateFrom" } }, [], "and without a window"],
    [{ auth: { in: "query", name: "limit" } }, [shared], "the key in place of the limit"],
    [{ auth: { in: "query", name: "orderId" } }, [shared], "the key in place of the order"],
    [{ auth: { in: "query", name: "transactionId" } }, [shared], "and of the transaction"],
    [{ auth: { in: "header", name: "limit" } }, [], "in a header it is nobody else's"],
    [{ params: { from: "date", to: "date" }, path: "x" }, [path], "after what else is wrong"],

    [{ timeFormat: "unix" }, [], "seconds"],
    [{ timeFormat: { format: "YYYY-MM-DD HH:mm:ss", zone: "Europe/Nicosia" } }, [], "in a zone"],
    [{ timeFormat: { format: "YYYY-MM-DD HH:mm:ss", zone: "Mars/Olympus" } }, [time], "no such zone"],
    [{ timeFormat: { format: "YYYY-MM-DD HH:mm:ss" } }, [time], "no zone: it would be this machine's"],
    [{ timeFormat: { format: "YYYY-MM-DD HH:mm:ss", zone: ["UTC"] } }, [time], "a list of zones"],
    [{ timeFormat: { format: "DD.MM.YYYY", zone: "UTC" } }, [time], "another format"],
    [{ timeFormat: { zone: "UTC" } }, [time], "no format"],
    [{ timeFormat: "rfc" }, [time], "another word"],
    [{ timeFormat: null }, [time], "null"],

    [{ paging: { style: "page" } }, [], "pages"],
    [{ paging: { style: "offset" } }, [], "rows"],
    [{ paging: { style: "cursor" } }, [], "marks"],
    [{ paging: { style: "none" } }, [], "one page"],
    [{ paging: { style: "pages" } }, [style], "another word"],
    [{ paging: null }, ["paging: must be an object"], "null"],
    [{ paging: { size: 1 } }, [`paging.size: ${none}`], "not known"],
    [{ paging: { first: 0 } }, [], "from 0"],
    [{ paging: { first: 2 } }, [first], "from 2"],
    [{ paging: { first: -1 } }, [first], "from before the beginning"],
    [{ paging: { first: 0.5 } }, [first], "half a page"],
    [{ paging: { first: "1" } }, [first], "a text"],
    [{ paging: { limit: 1, pagesMax: 1 } }, [], "the least"],
    [{ paging: { limit: 0, pagesMax: 0 } }, [limit, pages], "none"],
    [{ paging: { limit: 10_000, pagesMax: 100_000 } }, [], "the most"],
    [{ paging: { limit: 10_001, pagesMax: 100_001 } }, [limit, pages], "more"],
    [
      { paging: { currentPath: "a", lastPath: "b.c", totalPath: "d", nextPath: "e" } },
      [],
      "where things stand",
    ],
    [
      { paging: { currentPath: "", lastPath: "", totalPath: ["d"], nextPath: 1 } },
      ["currentPath", "lastPath", "totalPath", "nextPath"].map((place) => `paging.${place}: ${plain}`),
      "one place each",
    ],

    [{ auth: { in: "query", name: "key" } }, [], "the key in the query"],
    [{ auth: { in: "header" } }, [], "in a header"],
    [{ auth: { in: "cookie" } }, ['auth.in: must be "header" or "query"'], "elsewhere"],
    [{ auth: { name: "x y" } }, [`auth.name: ${name}`], "a space"],

    [{ rowsPath: "" }, [], "the answer itself"],
    [{ rowsPath: "a.b" }, [], "further in"],
    [{ rowsPath: null }, [rows], "null"],

    [{ fields: { code: "x" } }, [], "one place"],
    [{ fields: { code: ["x", "y.z"] } }, [], "the first of two that has it"],
    [{ fields: { code: "" } }, [field], "no place"],
    [{ fields: { code: [] } }, [field], "no place"],
    [{ fields: { code: ["x", ""] } }, [field], "one that is none"],
    [{ fields: { code: ["x", 1] } }, [field], "one that is none"],
    [{ fields: { code: 1 } }, [field], "a number"],
    [{ fields: { price: "x" } }, [`fields.price: ${none}`], "a field that is not known"],
  ])("%j → %j (%s)", (file, problems) => {
    expect(said(file)).toStrictEqual(problems);
  });

  test.each(rowFields)("a row's %s may stand elsewhere", (name) => {
    expect(profileOf({ fields: { [name]: "x" } }).fields).toStrictEqual({
      ...defaultFeedProfile.fields,
      [name]: "x",
    });
  });

  test("what is given replaces its member and no other", () => {
    expect(profileOf({})).toStrictEqual(defaultFeedProfile);
    expect(profileOf({ path: "/feed", paging: { limit: 7 }, auth: { in: "query" } })).toStrictEqual({
      ...defaultFeedProfile,
      path: "/feed",
      paging: { ...defaultFeedProfile.paging, limit: 7 },
      auth: { in: "query", name: "Authorization" },
    });
    const timeFormat = { format: "YYYY-MM-DD HH:mm:ss", zone: "UTC" };
    expect(profileOf({ timeFormat })).toStrictEqual({ ...defaultFeedProfile, timeFormat });
    expect(profileOf({ timeFormat: "unix" })).toStrictEqual({ ...defaultFeedProfile, timeFormat: "unix" });
    expect(profileOf({ rowsPath: "" })).toStrictEqual({ ...defaultFeedProfile, rowsPath: "" });
  });

  test("the default is what the contract assumes", () => {
    expect(defaultFeedProfile).toMatchObject({
      path: "/transactions",
      params: {
        from: "dateFrom",
        to: "dateTo",
        page: "page",
        limit: "limit",
        orderId: "orderId",
        transactionId: "transactionId",
      },
      timeFormat: "iso",
      paging: {
        style: "page",
        first: 1,
        limit: 100,
        currentPath: "meta.currentPage",
        lastPath: "meta.lastPage",
        totalPath: "meta.total",
        nextPath: "meta.nextCursor",
        pagesMax: 1_000,
      },
      auth: { in: "header", name: "Authorization" },
      rowsPath: "data",
    });
  });
});
