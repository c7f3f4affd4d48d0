import { useMutation } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { text } from "../../base/messages/en";
import { Brand } from "../../ui/icons";
import { Problem, Skeleton } from "../../ui/parts";
import { signInByLink } from "./mutations";
import { SignInForm } from "./SignInForm";
import styles from "./SignInPage.module.css";

const LINK = /^#link=(.+)$/;

export function SignInPage({ onDone }: { onDone: () => void }) {
  const [token] = useState(() => LINK.exec(window.location.hash)?.[1]);
  const byLink = useMutation({ mutationFn: signInByLink, onSuccess: onDone });
  const { mutate } = byLink;
  useEffect(() => {
    document.title = `${text.access.title} · Trapper`;
    if (!token) return;
    history.replaceState(null, "", window.location.pathname + window.location.search);
    mutate(token);
  }, [token, mutate]);
  const waits = token !== undefined && !byLink.error;
  return (
    <main className={styles.page}>
      <div className={styles.card}>
        <div className={styles.brand}>
          <Brand size={44} />
          <h1>Trapper</h1>
          <p>{text.access.welcome}</p>
        </div>
        <Problem error={byLink.error} />
        {waits ? <Skeleton height={180} /> : <SignInForm onDone={onDone} />}
      </div>
    </main>
  );
}
