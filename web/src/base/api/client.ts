import createClient, { type Middleware } from "openapi-fetch";
import { ApiProblem } from "./problem";
import type { ProblemBody, paths } from "./schema";
import { session } from "./session";

const LONGEST_MS = 30_000;
const LONGEST_UPLOAD_MS = 3_600_000;
const SAFE = new Set(["GET", "HEAD"]);

/**
 * Sends a request; one that finds the session ended waits until the person has signed in again, and is repeated.
 * A refusal of a request that began before the last sign-in is of the former session, and asks nobody.
 */
async function send(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (pathname.endsWith("/content")) return fetchOrProblem(request, LONGEST_UPLOAD_MS); // a copy would keep the file in memory
  const repeated = request.clone();
  const { signIns } = session;
  const response = await fetchOrProblem(request);
  if (response.status !== 401 || pathname.startsWith("/api/sessions/") || pathname === "/api/me/") return response;
  if (session.signIns === signIns) await session.renewed();
  if (session.csrf && !SAFE.has(repeated.method)) repeated.headers.set("X-CSRF-Token", session.csrf);
  return send(repeated);
}

async function fetchOrProblem(request: Request, longest = LONGEST_MS): Promise<Response> {
  try {
    return await fetch(request, { signal: AbortSignal.any([request.signal, AbortSignal.timeout(longest)]) });
  } catch (error) {
    if (request.signal.aborted) throw error;
    throw new ApiProblem(0, { type: "no-connection", detail: "no reply from the server" });
  }
}

const withCsrf: Middleware = {
  onRequest({ request }) {
    if (session.csrf && !SAFE.has(request.method)) request.headers.set("X-CSRF-Token", session.csrf);
    return request;
  },
};

export const api = createClient<paths>({ baseUrl: "/", fetch: send });
api.use(withCsrf);

type Answer<T> = { data?: T; error?: unknown; response: Response };

/** Returns the body of a reply, or throws its problem. */
export async function unwrap<T>(answer: Promise<Answer<T>>): Promise<NonNullable<T>> {
  const { data, error, response } = await answer;
  if (!response.ok) throw new ApiProblem(response.status, (error ?? {}) as Partial<ProblemBody>);
  return (data ?? {}) as NonNullable<T>;
}

export const ifMatch = (version: number) => ({ "If-Match": `"${version}"` });

export const idempotent = () => ({ "Idempotency-Key": newKey() });

/** Returns a random key; randomUUID is absent on plain HTTP. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
