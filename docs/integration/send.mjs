// Hands a message to Belltower, and again until it is taken:  node send.mjs YOUR-OWN-ID < message.json
//
// BELLTOWER_URL is where Belltower is reached, BELLTOWER_KEY a key of your source. Node 18 or later, nothing else.
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

const TRIES = 6;
const LATER = [429, 502, 503, 504];

/** Returns the message's id. `ownId` is the same for each try of one message, which is therefore kept once. */
async function send(message, ownId) {
  const { BELLTOWER_URL, BELLTOWER_KEY } = process.env;
  for (let tried = 0; tried < TRIES; tried += 1) {
    let wait = 2 ** tried;
    let answer;
    try {
      answer = await fetch(`${BELLTOWER_URL}/api/v1/messages`, {
        method: "POST",
        headers: {
          Authorization: `Bearer ${BELLTOWER_KEY}`,
          "Content-Type": "application/json",
          "Idempotency-Key": ownId,
        },
        body: message,
        signal: AbortSignal.timeout(30_000),
      });
    } catch (error) {
      console.error(`not reached: ${error}`);
    }
    if (answer?.ok) {
      return (await answer.json()).id;
    }
    if (answer && !LATER.includes(answer.status)) {
      // Says which field is wrong, and what to change.
      throw new Error(`refused: ${answer.status} ${await answer.text()}`);
    }
    if (answer?.headers.has("Retry-After")) {
      wait = Number(answer.headers.get("Retry-After"));
    }
    await pause(wait * 1000);
  }
  throw new Error("not taken: keep it, and hand it in later under the same id");
}

console.log(await send(readFileSync(0), process.argv[2]));
