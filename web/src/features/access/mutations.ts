import { api, unwrap } from "../../base/api/client";
import { session } from "../../base/api/session";
import { queryClient } from "../../base/queryClient";

export async function signIn(email: string, password: string): Promise<void> {
  const reply = await unwrap(api.POST("/api/sessions/", { body: { email, password } }));
  session.begin(reply.csrf_token);
  await queryClient.invalidateQueries();
}

export async function signInByLink(token: string): Promise<void> {
  const reply = await unwrap(api.POST("/api/sessions/by-link/", { body: { token } }));
  session.begin(reply.csrf_token);
}

export async function signOut(): Promise<void> {
  try {
    await unwrap(api.DELETE("/api/sessions/current/"));
  } finally {
    session.end();
    queryClient.clear();
  }
}

export async function answerInvitation(id: string, accepts: boolean): Promise<void> {
  const params = { path: { invitation_id: id } };
  if (accepts) await unwrap(api.POST("/api/invitations/{invitation_id}/accept/", { params }));
  else await unwrap(api.DELETE("/api/invitations/{invitation_id}/", { params }));
}
