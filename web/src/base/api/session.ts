import { storage } from "../storage";

type Listener = () => void;

const listeners = new Set<Listener>();
let expired = false;
let signIns = 0;
let waiting: Listener[] = [];

/** The session of this browser as the page knows it; the cookie itself is out of reach of scripts. */
export const session = {
  csrf: null as string | null,

  /** How often somebody signed in on this page: a refusal of a request that began before the last time says nothing. */
  get signIns(): number {
    return signIns;
  },

  /** Whether somebody signed in here before, so that asking who it is makes sense. */
  get mayExist(): boolean {
    return storage.read("signed-in") === "yes";
  },

  begin(csrf: string): void {
    session.csrf = csrf;
    signIns += 1;
    storage.write("signed-in", "yes");
    expired = false;
    for (const go of waiting) go();
    waiting = [];
    notify();
  },

  end(): void {
    session.csrf = null;
    storage.write("signed-in", null);
    expired = false;
    waiting = [];
    notify();
  },

  /** Resolves when the person has signed in again; the dialog opens meanwhile. */
  renewed(): Promise<void> {
    expired = true;
    notify();
    return new Promise((resolve) => waiting.push(resolve));
  },

  isExpired: (): boolean => expired,

  subscribe(listener: Listener): Listener {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};

function notify(): void {
  for (const listener of listeners) listener();
}
