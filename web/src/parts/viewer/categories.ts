import type { ObservationType } from "../../base/api/schema";

/** How a kind of object is drawn: never by color alone. */
export const DASHES: Partial<Record<ObservationType, string>> = { human: "8 5", vehicle: "2 4", unknown: "14 6" };
