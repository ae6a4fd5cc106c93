/** A video from start to file, over the network: the operation `run`. */
import { createHash } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { download, post, wait, type Answer } from "./answers.js";
import { keeping, videos } from "./client.js";
import { document, type Json } from "./json.js";

const PAUSE = 1; // seconds before a POST is sent again, if the answer does not say

export async function run(input: Json): Promise<Json> {
  let answer: Answer = {};
  const client: Json = videos(
    input.base_url,
    input.api_key,
    keeping((kept) => (answer = kept)),
  );
  const sleep = (seconds: number): Promise<void> => setTimeout((1000 * seconds) / input.speed);
  /** What the generated client read, or undefined: then `answer` says why. */
  const send = (operation: string, argument: Json): Promise<Json> => client[operation](argument).catch(() => undefined);

  let posts = 0;
  let verdict;
  do {
    if (posts) await sleep(verdict?.after ?? PAUSE);
    await send(input.operation, input.body);
    posts += 1;
    verdict = post(answer);
  } while (verdict.outcome === "again" && posts < input.max_posts);
  const { outcome, kind, request_id } = verdict;
  if (request_id === undefined) return { outcome: outcome === "refused" ? "error" : outcome, kind, posts, polls: 0 };

  let read: Json;
  const look = async (): Promise<Answer> => {
    read = await send("getVideo", request_id);
    return answer;
  };
  const { pauses, ...end } = await wait(document["x-waiter"].timeout, look, sleep);
  const cost_in_usd_ticks = (read?.data ?? read?.error)?.usage?.cost_in_usd_ticks;
  const result = { ...end, posts, request_id, cost_in_usd_ticks };
  const { url } = download(answer);
  if (end.outcome !== "done" || url === null) return result;
  const file = Buffer.from(await (await fetch(url)).arrayBuffer());
  return { ...result, url, bytes: file.length, sha256: createHash("sha256").update(file).digest("hex") };
}
