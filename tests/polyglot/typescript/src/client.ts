/** The generated client: the three POSTs, the look, and what they answered as the rules read it. */
import createClient from "openapi-fetch";
import type { Answer } from "./answers.js";
import type { components, paths } from "./schema.js";

type Schemas = components["schemas"];
type Fetch = (request: Request) => Promise<Response>;

const NO_CONNECTION = [
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
];

export function videos(baseUrl: string, apiKey: string, fetch: Fetch) {
  const client = createClient<paths>({ baseUrl, fetch, headers: { authorization: `Bearer ${apiKey}` } });
  return {
    generateVideo: (body: Schemas["GenerateVideoRequest"]) => client.POST("/videos/generations", { body }),
    editVideo: (body: Schemas["EditVideoRequest"]) => client.POST("/videos/edits", { body }),
    extendVideo: (body: Schemas["ExtendVideoRequest"]) => client.POST("/videos/extensions", { body }),
    getVideo: (request_id: string) => client.GET("/videos/{request_id}", { params: { path: { request_id } } }),
  };
}

/**
 * A fetch that keeps the answer for the rules, and hands openapi-fetch only what it can read: it would throw the answer away with an
 * HTML page under a 200 (SyntaxError).
 */
export function guarded(keep: (answer: Answer) => void): Fetch {
  return async (request) => {
    try {
      const response = await globalThis.fetch(request);
      const { status, headers } = response;
      const answer: Answer = { http_status: status, headers: Object.fromEntries(headers), text: await response.text() };
      keep(answer);
      try {
        answer.body = JSON.parse(answer.text!);
      } catch {
        return new Response(null, { status, headers: { "content-length": "0" } }); // an empty 202, a page, a text
      }
      return new Response(answer.text, { status, headers: { "content-type": "application/json" } });
    } catch (error) {
      const code = (error as { cause?: { code?: string } }).cause?.code ?? "";
      keep({ failure: NO_CONNECTION.includes(code) ? "not_delivered" : "lost" });
      throw error;
    }
  };
}
