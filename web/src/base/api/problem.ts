import type { ProblemBody } from "./schema";

export type FieldProblem = { field: string; message: string };

/** A refusal of the API (RFC 9457), or a request that got no reply. */
export class ApiProblem extends Error {
  readonly type: string;
  readonly status: number;
  readonly requestId: string | null;
  readonly fields: FieldProblem[];

  constructor(status: number, body: Partial<ProblemBody>) {
    super(body.detail ?? body.title ?? `The server answered ${status}.`);
    this.type = body.type ?? "unknown";
    this.status = status;
    this.requestId = body.instance ?? null;
    this.fields = (body.errors ?? []).map((error) => ({
      field: String(error.loc.at(-1) ?? ""),
      message: error.message,
    }));
  }

  /** Whether another try of the same request may succeed. */
  get mayPass(): boolean {
    return this.status === 0 || this.status >= 500 || this.status === 429;
  }
}

export function asProblem(error: unknown): ApiProblem {
  if (error instanceof ApiProblem) return error;
  return new ApiProblem(0, { type: "no-connection", detail: error instanceof Error ? error.message : String(error) });
}

const SENTENCES: Record<string, string> = {
  "no-connection": "The server cannot be reached. Nothing is lost; try again.",
  "sign-in-refused": "The e-mail or the password is wrong, or the account is not active yet.",
  "precondition-failed": "Somebody changed this in the meantime. The present state is shown; decide again.",
  unexpected: "The server failed. Nothing is lost; try again.",
  unavailable: "The server is not ready. Nothing is lost; try again in a moment.",
};

/** What is wrong, as a sentence for a person. */
export function sentence(error: unknown): string {
  const problem = asProblem(error);
  const text = SENTENCES[problem.type] ?? problem.message;
  const capital = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}
