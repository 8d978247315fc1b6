// Whether a webhook is Belltower's:  node verify.mjs WEBHOOK-ID WEBHOOK-TIMESTAMP WEBHOOK-SIGNATURE < body
//
// BELLTOWER_SECRET is the endpoint's secret, whsec_…. Standard Webhooks 1.0.0; the package `standardwebhooks` does the same.
import { createHmac, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";

const TOLERANCE = 5 * 60;

/** The event. Takes the body as it came, before anything has parsed it. */
function verify(secret, id, timestamp, signatures, body) {
  if (!(Math.abs(Date.now() / 1000 - Number(timestamp)) <= TOLERANCE)) {
    throw new Error("too old, or from the future: somebody may be replaying it");
  }
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const digest = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest("base64");
  const expected = Buffer.from(`v1,${digest}`);
  const isIt = (one) => one.length === expected.length && timingSafeEqual(one, expected);
  // While a secret is being replaced there are two.
  if (!signatures.split(" ").some((one) => isIt(Buffer.from(one)))) {
    throw new Error("not signed with this secret");
  }
  return JSON.parse(body);
}

console.log(verify(process.env.BELLTOWER_SECRET, ...process.argv.slice(2, 5), readFileSync(0)).type);
