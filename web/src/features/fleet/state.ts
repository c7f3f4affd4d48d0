import type { WorkerReply } from "../../base/api/schema";

/** The best speed that a worker measured with any model, in photos per second. */
export const fastest = (worker: Pick<WorkerReply, "images_per_second">): number =>
  Math.max(0, ...Object.values(worker.images_per_second));

/** Batches that a worker did not finish, without those that it gave back while leaving. */
export const lostBatches = (worker: Pick<WorkerReply, "losses">): number =>
  Object.entries(worker.losses ?? {}).reduce((total, [loss, count]) => (loss === "drained" ? total : total + count), 0);
