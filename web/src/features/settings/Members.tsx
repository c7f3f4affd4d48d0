import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import type { ClassificationRole } from "../../base/api/schema";
import { text } from "../../base/messages/en";
import { Button } from "../../ui/Button";
import { SelectField, TextField } from "../../ui/fields";
import { Card, Problem, styles as ui } from "../../ui/parts";
import { removeMember, setMember } from "./mutations";
import { membersQuery } from "./queries";
import styles from "./Settings.module.css";

const ROLES = (Object.keys(text.settings.roles) as ClassificationRole[]).map((value) => ({
  value,
  label: text.settings.roles[value],
}));

export function Members({ project }: { project: string }) {
  const members = useQuery(membersQuery(project));
  const [email, setEmail] = useState("");
  const [role, setRole] = useState<ClassificationRole>("annotator");
  const add = useMutation({
    mutationFn: () => setMember(project, email.trim(), role),
    onSuccess: () => setEmail(""),
  });
  const change = useMutation({ mutationFn: (run: () => Promise<unknown>) => run() });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    add.mutate();
  };
  return (
    <Card>
      <section className={styles.section}>
        <h2>{text.settings.members}</h2>
        <div className={styles.rows}>
          {members.data?.map((member) => (
            <div key={member.user_id} className={styles.row}>
              <div>
                <strong>{member.name || member.email}</strong>
                <p className={ui.hint}>{member.email}</p>
              </div>
              <div className={ui.actions}>
                <div className={styles.role}>
                  <SelectField
                    label={`${text.settings.role}: ${member.email}`}
                    value={member.role}
                    onChange={(value) => change.mutate(() => setMember(project, member.email, value))}
                    options={ROLES}
                  />
                </div>
                <Button kind="quiet" onPress={() => change.mutate(() => removeMember(project, member.user_id))}>
                  {text.settings.remove}
                </Button>
              </div>
            </div>
          ))}
        </div>
        <Problem error={members.error ?? change.error} />
        <form className={styles.grid} onSubmit={submit}>
          <TextField label={text.settings.email} type="email" value={email} onChange={setEmail} isRequired />
          <SelectField label={text.settings.role} value={role} onChange={setRole} options={ROLES} />
          <div>
            <Button type="submit" isDisabled={add.isPending || email.trim() === ""}>
              {text.settings.invite}
            </Button>
          </div>
        </form>
        <Problem error={add.error} />
        {add.data === "invited" && <p role="status">{text.settings.invited}</p>}
      </section>
    </Card>
  );
}
