import { useMutation, useQuery } from "@tanstack/react-query";
import type { ManagerFleetReply, Queues, WorkerOrder, WorkerReply } from "../../base/api/schema";
import { ago, duration, number, percent, rate } from "../../base/format";
import { text } from "../../base/messages/en";
import { Button } from "../../ui/Button";
import { Badge, Loaded, Notice, Problem, type Tone, styles as ui } from "../../ui/parts";
import { instructWorker } from "./mutations";
import { fleetQuery } from "./queries";
import { Section } from "./Section";
import { fastest, lostBatches } from "./state";
import { TaskQueue } from "./TaskQueue";

/** Workers and queues of each Manager, and the tasks of this service. */
export const Managers = () => (
  <Loaded query={useQuery(fleetQuery)} height={320}>
    {({ managers, tasks }) => (
      <>
        {managers.map((manager) => (
          <Manager key={manager.connection_id} manager={manager} />
        ))}
        <TaskQueue tasks={tasks} />
      </>
    )}
  </Loaded>
);

function Manager({ manager }: { manager: ManagerFleetReply }) {
  const order = useMutation({
    mutationFn: ({ worker, what }: { worker: string; what: WorkerOrder }) =>
      instructWorker(manager.connection_id, worker, what),
  });
  if (manager.problem)
    return (
      <Notice tone="warn">
        <strong>{manager.name}</strong>
        <p>{manager.problem}</p>
      </Notice>
    );
  const workers = manager.workers.filter((worker) => worker.state !== "revoked");
  return (
    <>
      <Section
        title={text.fleet.workersOf(manager.name)}
        heads={[
          text.fleet.worker,
          text.fleet.state,
          text.fleet.devices,
          text.fleet.speed,
          text.fleet.holds,
          text.fleet.lost,
          "",
        ]}
      >
        {workers.map((worker) => (
          <WorkerRow key={worker.id} worker={worker} onOrder={(what) => order.mutate({ worker: worker.id, what })} />
        ))}
        {workers.length === 0 && (
          <tr>
            <td colSpan={7}>{text.fleet.noWorkers}</td>
          </tr>
        )}
      </Section>
      <Problem error={order.error} />
      {manager.queues && <WaitingQueues name={manager.name} queues={manager.queues} />}
    </>
  );
}

const TONES: Record<WorkerReply["state"], Tone> = {
  alive: "good",
  paused: "warn",
  draining: "warn",
  silent: "bad",
  revoked: "plain",
};

const WorkerRow = ({ worker, onOrder }: { worker: WorkerReply; onOrder: (what: WorkerOrder) => void }) => (
  <tr>
    <th scope="row">
      {worker.name} <span className={ui.hint}>{worker.version}</span>
    </th>
    <td>
      <Badge tone={TONES[worker.state]}>{text.fleet.states[worker.state]}</Badge>
      {worker.seen_at && <p className={ui.hint}>{ago(worker.seen_at)}</p>}
    </td>
    <td>
      {worker.devices.map((device) => {
        const load = worker.device_load?.find((each) => each.name === device.name);
        return <p key={device.name}>{load ? text.fleet.busy(device.name, percent(load.busy)) : device.name}</p>;
      })}
    </td>
    <td>{rate(fastest(worker))}</td>
    <td>{number(worker.leases)}</td>
    <td>{number(lostBatches(worker))}</td>
    <td>
      <div className={ui.actions}>
        {worker.paused || worker.drain ? (
          <Button size="small" onPress={() => onOrder("resume")}>
            {text.fleet.resume}
          </Button>
        ) : (
          <Button size="small" onPress={() => onOrder("pause")}>
            {text.fleet.pause}
          </Button>
        )}
        {!worker.drain && (
          <Button size="small" kind="quiet" onPress={() => onOrder("drain")}>
            {text.fleet.drain}
          </Button>
        )}
      </div>
    </td>
  </tr>
);

const WaitingQueues = ({ name, queues }: { name: string; queues: Queues }) => (
  <Section
    title={text.fleet.queuesOf(name)}
    heads={[text.fleet.queue, text.fleet.runtimes, text.fleet.waiting, text.fleet.leased, text.fleet.oldest]}
  >
    {queues.items.flatMap((queue) =>
      queue.model_sets.map((set) => (
        <tr key={`${queue.runtimes.join()} ${set.models.join()}`}>
          <th scope="row">
            {set.models.join(", ")}
            {set.blocked && <p className={ui.fieldError}>{set.blocked.message}</p>}
          </th>
          <td>{queue.runtimes.join(", ")}</td>
          <td>{number(set.resources + set.unplanned)}</td>
          <td>{number(queue.leased)}</td>
          <td>{set.oldest_waiting_seconds === null ? "" : duration(set.oldest_waiting_seconds)}</td>
        </tr>
      )),
    )}
    {queues.items.length === 0 && (
      <tr>
        <td colSpan={5}>{text.fleet.noQueue}</td>
      </tr>
    )}
  </Section>
);
