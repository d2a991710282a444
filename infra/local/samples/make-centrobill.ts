import { writeFileSync } from "node:fs";
import { type ScenarioName, scenarioNames } from "../sandbox-centrobill/scenario.ts";

/**
 * Makes `centrobill.ndjson`: charge messages as a merchant would queue them, and some lines as people get them
 * wrong. Run it after a change here or to the scenarios; the file is committed, and a test compares the two.
 */

type Charge = Readonly<Record<string, unknown>>;

interface PaidFrom {
  readonly ref: string;
  readonly network: string;
  readonly paymentSource: {
    readonly type: string;
    readonly paymentAccountId?: string;
    readonly value?: string;
  };
  readonly consumerId: string;
}

/** Approvals without anything to tell. The rest is one or two of everything that can happen. */
const plainApprovals = 204;
/** How often each other scenario is in the file. */
const timesEach = 2;

/** A sequence of numbers from 0 up to 1 that is the same in every run (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** The lines of the file, without their ends. The same in every run. */
export function sampleLines(): readonly string[] {
  const random = seeded(20_261_122);
  const below = (end: number): number => Math.floor(random() * end);
  const oneOf = <T>(first: T, ...rest: readonly T[]): T => [first, ...rest][below(rest.length + 1)] ?? first;
  const digits = (count: number): string => Array.from({ length: count }, () => below(10)).join("");
  const hex = (count: number): string => Array.from({ length: count }, () => below(16).toString(16)).join("");
  /** With a letter in each group: no row of its digits can be taken for a card number. */
  const uuid = (): string => `${hex(7)}c-a${hex(3)}-4a${hex(2)}-b${hex(3)}-e${hex(11)}`;

  const scenarios: (ScenarioName | undefined)[] = [
    ...Array.from({ length: plainApprovals }, () => undefined),
    ...scenarioNames.flatMap((name) => Array.from({ length: timesEach }, () => name)),
  ];
  for (let last = scenarios.length - 1; last > 0; last -= 1) {
    const other = below(last + 1);
    [scenarios[last], scenarios[other]] = [scenarios[other], scenarios[last]];
  }
  const charges = scenarios.map((scenario, index) => charge(index + 1, scenario));

  // Two that are too late to be sent, whatever the day, and some that have until long after.
  const lines = charges
    .map((one, index) => {
      if (index === 40 || index === 171) return { ...one, notAfter: "2026-01-31T23:59:59Z" };
      return index % 25 === 7 ? { ...one, notAfter: "2036-12-31T23:59:59Z" } : one;
    })
    .map((one) => JSON.stringify(one));

  for (const [place, line] of wrongLines()) lines.splice(place, 0, line);
  return lines;

  function charge(serial: number, scenario: ScenarioName | undefined): Charge {
    const [currency, amount] = price();
    const [chargeId, title] = purpose(serial);
    const instrument = paidFrom();
    const metadata = {
      ...(below(3) === 0 ? { campaign: oneOf("autumn-2026", "win-back", "newsletter") } : {}),
      ...(scenario === undefined ? {} : { scenario }),
    };
    return {
      v: 1,
      chargeId,
      gateway: "centrobill",
      amount,
      currency,
      ...(below(4) > 0 ? { instrument: { ref: instrument.ref, network: instrument.network } } : {}),
      ...(Object.keys(metadata).length > 0 ? { metadata } : {}),
      request: {
        paymentSource: instrument.paymentSource,
        consumer: consumer(instrument),
        sku: {
          ...oneOf<object>({ siteId: "site-4471" }, { siteId: "site-9027" }, { name: "plus-monthly" }),
          title,
        },
        ...(below(3) === 0 ? { url: { ipnUrl: "https://shop.example/centrobill/ipn" } } : {}),
      },
    };
  }

  function price(): readonly [currency: string, amountMinor: string] {
    const currency = oneOf(
      "EUR",
      "EUR",
      "EUR",
      "EUR",
      "USD",
      "USD",
      "USD",
      "GBP",
      "GBP",
      "JPY",
      "KWD",
      "CLF",
    );
    switch (currency) {
      case "JPY":
        return [currency, String((below(180) + 5) * 100)];
      case "KWD":
        return [currency, String((below(400) + 10) * 25)];
      case "CLF":
        return [currency, String(below(40_000) + 1500)];
      default:
        return [
          currency,
          oneOf("499", "999", "1499", "1999", "2990", "4900", "12900", `${below(90) + 10}95`),
        ];
    }
  }

  function purpose(serial: number): readonly [chargeId: string, title: string] {
    const number = String(serial).padStart(6, "0");
    switch (below(4)) {
      case 0:
        return [`rebill:sub-${48_000 + serial}:2026-11`, "Monthly plan"];
      case 1:
        return [`order_${hex(6)}_${number}`, "Order"];
      case 2:
        return [`top-up.20261122.${number}`, "Top-up"];
      default:
        return [`inv-2026-11-${number}`, "Invoice"];
    }
  }

  function paidFrom(): PaidFrom {
    const ref = `card_${hex(12)}`;
    const network = oneOf("visa", "mastercard");
    const consumerId = `10${digits(7)}`;
    const paymentSource = oneOf<PaidFrom["paymentSource"]>(
      { type: "paymentAccountId", paymentAccountId: uuid() },
      { type: "paymentAccountId", paymentAccountId: uuid() },
      { type: "consumer", value: consumerId },
      { type: "token", value: uuid() },
    );
    return { ref, network, paymentSource, consumerId };
  }

  function consumer({ consumerId: id, paymentSource }: PaidFrom): object {
    const [firstName, lastName, country, city, zip] = oneOf(
      ["Ana", "Kovač", "SVN", "Ljubljana", "1000"],
      ["Lena", "Brandt", "DEU", "Hamburg", "20095"],
      ["Marco", "Ricci", "ITA", "Bologna", "40121"],
      ["Aoife", "Byrne", "IRL", "Cork", "T12 X8N9"],
      ["James", "Okafor", "GBR", "Leeds", "LS1 4DY"],
      ["Yuki", "Tanaka", "JPN", "Osaka", "530-0001"],
      ["Noura", "Al-Sabah", "KWT", "Kuwait City", "13001"],
      ["Camila", "Rojas", "CHL", "Valparaíso", "2340000"],
      ["Dana", "Miller", "USA", "Portland", "97205"],
    );
    const account = `user-${digits(5)}`;
    // Addresses that the standards keep for examples.
    const ip = oneOf(
      `203.0.113.${below(254) + 1}`,
      `198.51.100.${below(254) + 1}`,
      `192.0.2.${below(254) + 1}`,
      `2001:db8::${hex(4)}`,
    );
    if (paymentSource.type === "consumer" || below(4) === 0) return { id, ip };
    return {
      externalId: account,
      ip,
      email: `${account}@${oneOf("example.com", "example.org", "example.net")}`,
      ...(below(2) === 0 ? { firstName, lastName, country, city, zip } : {}),
    };
  }

  /** Lines as users get them wrong, and where they go. Each but the last four ends as a request error. */
  function wrongLines(): readonly (readonly [place: number, line: string])[] {
    const good = (chargeId: string): Charge => ({
      ...charge(1, undefined),
      chargeId,
      amount: "1999",
      currency: "EUR",
    });
    const part = (one: Charge, name: string): object => one[name] as object;
    const withRequest = (chargeId: string, change: object): Charge => {
      const one = good(chargeId);
      return { ...one, request: { ...part(one, "request"), ...change } };
    };
    const { chargeId: _, ...anonymous } = good("never-shown");
    const twice = JSON.stringify(good("inv-2026-11-sent-twice"));
    const clash = good("inv-2026-11-sent-as-two");
    return [
      [11, JSON.stringify({ ...good("inv-2026-11-float"), amount: 19.99 })],
      [36, JSON.stringify({ ...good("inv-2026-11-decimal"), amount: "19.99" })],
      [52, JSON.stringify({ ...good("inv-2026-11-lower-case"), currency: "eur" })],
      [70, JSON.stringify({ ...good("inv-2026-11-no-such-currency"), currency: "EUX" })],
      [93, JSON.stringify({ ...good("inv-2026-11-typo"), notAfer: "2036-12-31T23:59:59Z" })],
      [
        110,
        JSON.stringify(
          withRequest("inv-2026-11-own-price", { sku: { siteId: "site-4471", price: [{ amount: 1 }] } }),
        ),
      ],
      [128, JSON.stringify({ ...good("inv-2026-11-card-as-ref"), instrument: { ref: "4111111111111111" } })],
      [
        149,
        JSON.stringify(
          withRequest("inv-2026-11-card-as-source", {
            paymentSource: {
              type: "card",
              number: "4111111111111111",
              expirationMonth: "12",
              expirationYear: "29",
            },
          }),
        ),
      ],
      [166, `${JSON.stringify(good("inv-2026-11-not-json")).slice(0, -1)},}`],
      [180, JSON.stringify(anonymous)],
      [195, JSON.stringify({ ...good("inv-2026-11-nothing"), amount: "0" })],
      // The first and the second of each pair: one charge twice over, and one id for two charges.
      [210, twice],
      [225, JSON.stringify(clash)],
      [260, twice],
      [275, JSON.stringify({ ...clash, amount: "2999" })],
    ];
  }
}

if (import.meta.main) {
  writeFileSync(new URL("centrobill.ndjson", import.meta.url), sampleLines().join("\n").concat("\n"));
}
