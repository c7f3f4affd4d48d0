import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { text } from "../../base/messages/en";
import { Button } from "../../ui/Button";
import { TextField } from "../../ui/fields";
import { Problem, styles } from "../../ui/parts";
import { signIn } from "./mutations";

export function SignInForm({ onDone }: { onDone: () => void }) {
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const attempt = useMutation({ mutationFn: () => signIn(email, password), onSuccess: onDone });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    attempt.mutate();
  };
  return (
    <form className={styles.form} onSubmit={submit} method="post" action="/sign-in">
      <TextField
        label={text.access.email}
        type="email"
        name="email"
        autoComplete="username"
        value={email}
        onChange={setEmail}
        isRequired
        autoFocus
      />
      <TextField
        label={text.access.password}
        type="password"
        name="password"
        autoComplete="current-password"
        value={password}
        onChange={setPassword}
        isRequired
      />
      <Problem error={attempt.error} />
      <Button type="submit" kind="primary" isDisabled={attempt.isPending}>
        {attempt.isPending ? text.access.working : text.access.submit}
      </Button>
    </form>
  );
}
