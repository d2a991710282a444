import { describe, expect, test } from "vitest";
import type { ProbedReason } from "../../lib/core/pace.ts";
import { centrobill } from "../../lib/gateways/centrobill/index.ts";
import { gatewaysOf, requestParsers } from "../../lib/gateways/registry.ts";
import * as pay from "./centrapay-subject.ts";
import * as bill from "./centrobill-subject.ts";
import { chargeOf } from "./gateway-contract.ts";
import { replied } from "./replied.ts";

const nowMs = Date.UTC(2026, 10, 22, 12);
const bills = chargeOf(bill.gateway, bill.requests["a saved card"]);
const { feedUrl: _none, ...withoutFeed } = bill.options;
const nzd = { currency: "NZD", amount: "1999" };
const pays = chargeOf(pay.gateway, pay.requests.pay, nzd);
const confirms = chargeOf(pay.gateway, pay.requests.confirm, nzd);

describe("what is asked of a closed account", () => {
  const headers = { Accept: "application/json", Authorization: bill.options.apiKey };
  const rates = "https://api.centrobill.example/currency-exchange-rate";
  const lastMinute =
    "https://feed.centrobill.example/transactions?dateFrom=2026-11-22T11%3A59%3A00.000Z" +
    "&dateTo=2026-11-22T12%3A00%3A00.000Z&limit=100&page=1";
  test.each<[ProbedReason, feed: boolean, url: string, reason: string]>([
    ["outage", true, rates, "the host that charges: the feed has another one"],
    ["outage", false, rates, "the host that charges"],
    ["credential", true, lastMinute, "the feed's last minute proves the key"],
    ["credential", false, rates, "without a feed the rates ask for it, too"],
  ])("Centrobill, %s, a feed %s: %s (%s)", (because, feed, url) => {
    const gateway = feed ? bill.gateway : centrobill(withoutFeed);
    expect(gateway.probeOf(because, bills, nowMs).request).toStrictEqual({ method: "GET", url, headers });
    expect(gateway.feed !== undefined).toBe(feed);
  });

  const list =
    "https://service.centrapay.example/api/payment-requests/external-ref/chargeonce.probe" +
    "?merchantAccountId=C4QnjXvj8At6SMsEN4LRi9";
  const own = "https://service.centrapay.example/api/payment-requests/MhocUmpxxmgdHjr7DgKoKw";
  test.each<[string, typeof pays, url: string, reason: string]>([
    ["pay", pays, list, "a list by a reference under which nothing is made"],
    ["confirm", confirms, own, "the request that it confirms, which no GET pays"],
  ])("Centrapay, %s: %3$s (%4$s)", (_mode, charge, url) => {
    for (const because of ["outage", "credential"] as const)
      expect(pay.gateway.probeOf(because, charge, nowMs).request).toStrictEqual({
        method: "GET",
        url,
        headers: { "X-Api-Key": pay.options.apiKey, Accept: "application/json" },
      });
  });
});

describe("what opens it again", () => {
  test.each<[status: number, outage: boolean, key: boolean, centrapayKey: boolean, reason: string]>([
    [199, true, false, false, "no answer of these hosts, but not their fault"],
    [200, true, true, true, "it answers, and the key is good"],
    [299, true, true, true, "the same"],
    [300, true, false, false, "it answers, whatever it says"],
    [401, true, false, false, "it answers, and the key is not good"],
    [402, true, false, false, "it answers"],
    [403, true, false, true, "Centrapay's answers for what was asked, after the key"],
    [404, true, false, true, "the same"],
    [405, true, false, false, "it answers"],
    [428, true, false, false, "it answers"],
    [429, false, false, false, "not yet"],
    [430, true, false, false, "it answers"],
    [499, true, false, false, "the last that is not its fault"],
    [500, false, false, false, "its own fault"],
    [503, false, false, false, "not there"],
  ])("%i: after an outage %s; a key %s, Centrapay's %s (%s)", (status, outage, key, centrapayKey) => {
    const reply = replied(status, "");
    const opens = (because: ProbedReason) => [
      bill.gateway.probeOf(because, bills, nowMs).opens(reply),
      pay.gateway.probeOf(because, pays, nowMs).opens(reply),
    ];
    expect(opens("outage")).toStrictEqual([outage, outage]);
    expect(opens("credential")).toStrictEqual([key, centrapayKey]);
  });
});

describe("what refuses the account itself", () => {
  test.each<[status: number, body: unknown, centrobill: boolean, centrapay: boolean, reason: string]>([
    [401, "", true, true, "the key"],
    [403, "", true, false, "Centrobill: permission, or where it calls from; Centrapay says which"],
    [403, { message: "Forbidden" }, true, true, "a resource, or what the key may do"],
    [403, { message: "forbidden" }, true, true, "in other letters"],
    [403, { message: "INACTIVE_ASSET" }, true, false, "about what was asked for"],
    [403, { "": "Forbidden" }, true, false, "not its message"],
    [400, { message: "Forbidden" }, false, false, "a request error, whatever it says"],
    [200, { message: "Forbidden" }, false, false, "an answer"],
    [402, "", false, false, "a status between"],
    [500, "", false, false, "a fault"],
  ])("%i %j: Centrobill %s, Centrapay %s (%s)", (status, body, ofCentrobill, ofCentrapay) => {
    const reply = replied(status, body);
    expect(bill.gateway.rules.refusesAccount(reply)).toBe(ofCentrobill);
    expect(pay.gateway.rules.refusesAccount(reply)).toBe(ofCentrapay);
  });
});

describe("the registry", () => {
  test.each<[Parameters<typeof gatewaysOf>[0], string[], reason: string]>([
    [{}, [], "no options, no gateway"],
    [{ centrobill: bill.options }, ["centrobill"], "one"],
    [{ centrapay: pay.options }, ["centrapay"], "the other"],
    [{ centrobill: bill.options, centrapay: pay.options }, ["centrobill", "centrapay"], "both"],
  ])("%# → %2$j (%3$s)", (options, names) => {
    const gateways = gatewaysOf(options);
    expect(Object.keys(gateways)).toStrictEqual(names);
    for (const [name, gateway] of Object.entries(gateways)) expect(gateway.name).toBe(name);
  });

  test("a message's part can be checked without a gateway at hand", () => {
    expect(requestParsers.centrobill?.(bill.requests["a saved card"])).toStrictEqual([]);
    expect(requestParsers.centrapay?.(pay.requests.pay)).toStrictEqual([]);
    expect(Object.keys(requestParsers)).toStrictEqual(["centrobill", "centrapay"]);
  });
});
