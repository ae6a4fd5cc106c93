/** The generated client by operations, and what was answered as the rules read it. */
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
  const client = createClient<paths>({
    baseUrl,
    fetch,
    redirect: "manual",
    headers: { authorization: `Bearer ${apiKey}` },
  });
  return {
    generateVideo: (body: Schemas["GenerateVideoRequest"]) => client.POST("/videos/generations", { body }),
    editVideo: (body: Schemas["EditVideoRequest"]) => client.POST("/videos/edits", { body }),
    extendVideo: (body: Schemas["ExtendVideoRequest"]) => client.POST("/videos/extensions", { body }),
    getVideo: (request_id: string) => client.GET("/videos/{request_id}", { params: { path: { request_id } } }),
    getVideoModel: (model_id: string) =>
      client.GET("/video-generation-models/{model_id}", { params: { path: { model_id } } }),
    listVideoModels: () => client.GET("/video-generation-models"),
  };
}

/**
 * A fetch that keeps each answer for the rules before the generated client reads it: that fails on a page under a 200, and then gives
 * neither the status nor the text.
 */
export function keeping(keep: (answer: Answer) => void): Fetch {
  return async (request) => {
    try {
      const response = await globalThis.fetch(request);
      const text = await response.clone().text();
      keep({ http_status: response.status, headers: Object.fromEntries(response.headers), text, body: parsed(text) });
      return response;
    } catch (error) {
      const code = (error as { cause?: { code?: string } }).cause?.code ?? "";
      keep({ failure: NO_CONNECTION.includes(code) ? "not_delivered" : "lost" });
      throw error;
    }
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // an empty 202, a page, a text
  }
}
