/** What the contract says of an answer: x-errors and x-waiter. */
import { at, document, isObject, isText, type Json } from "./json.js";

const { "x-errors": errors, "x-waiter": waiter } = document;

/** An answer of the API, or why there is none. `text` is a body that is not JSON. */
export type Answer = { http_status?: number; headers?: Json; body?: Json; text?: string; failure?: string };
export type Verdict = { outcome: string; kind?: string; request_id?: string; after?: number | null; warn?: boolean };
type Rule = { kind?: string; post?: string; get?: string };

const isSuccess = (status = 0): boolean => status >= 200 && status < 300;
const mentions = (text: string, parts: string[]): boolean =>
  parts.some((part) => text.toLowerCase().includes(part.toLowerCase()));

/** The rule of a failure; of a success, what holds if it can't be read. */
function rule({ http_status: status = 0, body, text, failure }: Answer): Rule {
  const name = isSuccess(status) ? "unreadable" : failure;
  if (name) return { kind: name, ...errors.failures[name] };
  const first = (paths: string[], is: (value: Json) => boolean): Json => paths.map((path) => at(body, path)).find(is);
  const code = first(errors.bodies.code, (value) => isText(value) || Number.isInteger(value));
  const message = first(errors.bodies.text, isText) ?? text ?? JSON.stringify(body);
  const matches = (kind: Json): boolean =>
    kind.http_status === status &&
    (!kind.code || kind.code.includes(`${code}`)) &&
    (!kind.text || mentions(message, kind.text));
  const { kinds, unlisted } = errors;
  return kinds.find(matches) ?? unlisted.find((range: Json) => range.from <= status && status <= range.to);
}

/** Whether a job exists, and whether a POST may be sent again. */
export function post(answer: Answer): Verdict {
  const id = at(answer.body, "request_id");
  if (isSuccess(answer.http_status) && isText(id)) return { outcome: "accepted", request_id: id };
  const { kind, post } = rule(answer);
  const cost = at(answer.body, "usage.cost_in_usd_ticks");
  const isBilled = ![undefined, null, false, 0].includes(cost);
  if (kind === "other" && isText(id)) return { outcome: "unknown" };
  if (post === "again" && !isBilled) return { outcome: "again", after: retryAfter(answer) };
  return post === "unknown" ? { outcome: "unknown" } : { outcome: "refused", kind };
}

/** What the answer to a poll means. */
export function look(answer: Answer): Verdict {
  let status = answer.http_status ?? 0;
  const isNamed = waiter.acceptors.some(({ when }: Json) => when.http_status?.equals === status);
  const { kind, get } = rule(answer);
  if (isSuccess(status) && !isNamed) status = waiter.other_success;
  const facts: Json = { http_status: status, error_kind: isSuccess(status) ? undefined : kind };
  const holds = ([path, matcher]: [string, Json]): boolean => {
    if (!(path in facts) && !isObject(answer.body)) return false;
    const value = path in facts ? facts[path] : at(answer.body, path);
    if ("equals" in matcher) return value === matcher.equals;
    if ("mentions" in matcher) return isText(value) && mentions(value, matcher.mentions);
    return isText(value) === (matcher.is === "present");
  };
  const acceptor = waiter.acceptors.find(({ when }: Json) => Object.entries(when).every(holds));
  if (acceptor) return { outcome: acceptor.outcome, warn: acceptor.warn === "once" || undefined };
  return get === "again" ? { outcome: "again" } : { outcome: "error", kind };
}

function retryAfter({ headers }: Answer): number | null {
  const value = headers?.["retry-after"];
  if (/^[0-9]+$/.test(value)) return Number(value);
  if (!/^\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT$/.test(value)) return null;
  const sent = headers.date ? Date.parse(headers.date) : Date.now();
  return Math.max((Date.parse(value) - sent) / 1000, 0);
}

/** Looks until the job has ended or the time is up. The age of the job is the sum of the pauses. */
export async function wait(
  timeout: number,
  poll: () => Promise<Answer>,
  sleep: (seconds: number) => Promise<void>,
): Promise<Verdict & { polls: number; pauses: number[] }> {
  const { schedule, last_poll, failed_poll } = waiter;
  const last = timeout - Math.min(last_poll.before_end, timeout * last_poll.part);
  const every = (age: number): number => schedule.find((row: Json) => row.until === null || age < row.until).every;
  const pauses: number[] = [];
  for (let age = 0, pause = every(0); ; ) {
    const isLast = age + pause >= last;
    if (isLast) pause = last - age;
    await sleep(pause);
    pauses.push(pause);
    age += pause;
    const answer = await poll();
    const verdict = look(answer);
    const isOpen = ["running", "again"].includes(verdict.outcome);
    if (!isOpen || isLast) return { ...(isOpen ? { outcome: "timeout" } : verdict), polls: pauses.length, pauses };
    pause = every(age);
    const asked = Math.min(retryAfter(answer) ?? 0, failed_poll.longest_retry_after);
    if (verdict.outcome === "again") pause = Math.max(Math.min(pause, failed_poll.longest_pause), asked);
  }
}

/** Where a finished job's file is. */
export function download({ body }: Answer): { url: string | null; authorization: boolean } {
  const { url: paths, authorization } = waiter.result;
  const url = paths.map((path: string) => at(body, path)).find(isText);
  return { url: url ?? null, authorization: authorization !== "never" };
}
