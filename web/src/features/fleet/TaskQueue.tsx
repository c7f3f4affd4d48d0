import { useMutation } from "@tanstack/react-query";
import type { TaskQueueReply } from "../../base/api/schema";
import { ago } from "../../base/format";
import { text } from "../../base/messages/en";
import { Button } from "../../ui/Button";
import { Problem, styles as ui } from "../../ui/parts";
import { replayDeadTasks } from "./mutations";
import { Section } from "./Section";

/** The messages of the task process, with those that were given up and the way to try them again. */
export function TaskQueue({ tasks }: { tasks: TaskQueueReply | null }) {
  const replay = useMutation({ mutationFn: replayDeadTasks });
  if (tasks === null) return <p className={ui.soft}>{text.fleet.noTaskQueue}</p>;
  return (
    <>
      <Section
        title={text.fleet.tasks}
        heads={[text.fleet.task, text.fleet.arguments, text.fleet.gaveUp, text.fleet.error]}
        actions={
          tasks.dead > 0 && (
            <Button onPress={() => replay.mutate()} isDisabled={replay.isPending}>
              {text.fleet.replay}
            </Button>
          )
        }
      >
        {tasks.dead_tasks.map((task) => (
          <tr key={task.id}>
            <th scope="row">{task.task}</th>
            <td>
              {Object.entries(task.arguments)
                .map(([name, value]) => `${name}: ${value}`)
                .join(", ")}
            </td>
            <td>{ago(task.died_at)}</td>
            <td>{task.error}</td>
          </tr>
        ))}
        <tr>
          <td colSpan={4}>{text.fleet.taskCounts(tasks.waiting, tasks.delayed, tasks.dead)}</td>
        </tr>
      </Section>
      {replay.data !== undefined && <p role="status">{text.fleet.replayed(replay.data)}</p>}
      <Problem error={replay.error} />
    </>
  );
}
