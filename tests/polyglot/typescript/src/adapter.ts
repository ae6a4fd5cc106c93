/** The adapter of the conformance kit: JSON lines in, JSON lines out. */
import { download, look, post, wait } from "./answers.js";
import { videos } from "./client.js";
import type { Json } from "./json.js";
import { check, isAbsent, price } from "./modes.js";
import { run } from "./run.js";

const BASE = "https://api.x.ai/v1";

/** The request that the generated client makes of a body. */
async function encode({ operation, body, request_id }: Json): Promise<Json> {
  let sent: Json;
  const client: Json = videos(BASE, "", async (request) => {
    const text = await request.text();
    sent = { method: request.method, path: new URL(request.url).pathname, body: text ? JSON.parse(text) : undefined };
    return Response.json({});
  });
  const isSet = (_: string, value: Json): Json => (isAbsent(value) ? undefined : value);
  await client[operation](request_id ?? JSON.parse(JSON.stringify(body, isSet)));
  return sent;
}

/** What the generated client reads of an answer. */
async function decode({ operation, http_status, body }: Json): Promise<Json> {
  const client: Json = videos(BASE, "", async () => Response.json(body, { status: http_status }));
  const { data, error } = await client[operation]("any");
  return { value: data ?? error };
}

async function waitVirtually({ timeout, answers }: Json): Promise<Json> {
  let polls = 0;
  const poll = async (): Promise<Json> => answers[Math.min(polls++, answers.length - 1)];
  return wait(timeout, poll, async () => {});
}

const operations = { encode, decode, check, look, post, wait: waitVirtually, price, download, run };

async function answer(line: string): Promise<Json> {
  const { id, operation, input } = JSON.parse(line);
  try {
    return { id, output: await operations[operation as keyof typeof operations](input) };
  } catch (error) {
    return { id, error: String(error) };
  }
}

const write = (value: Json): boolean => process.stdout.write(`${JSON.stringify(value)}\n`);
write({ adapter: "typescript", generator: "openapi-typescript 7.13.0", operations: Object.keys(operations) });
let line = "";
for await (const chunk of process.stdin.setEncoding("utf8")) {
  const [end, ...lines] = (chunk as string).split("\n"); // readline would split at U+2028, too
  line += end;
  for (const next of lines) {
    write(await answer(line));
    line = next;
  }
}
