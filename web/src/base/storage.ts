/** What a browser keeps between visits; nothing breaks where it refuses to. */
export const storage = {
  read(key: string): string | null {
    try {
      return localStorage.getItem(`trapper.${key}`);
    } catch {
      return null;
    }
  },
  write(key: string, value: string | null): void {
    try {
      if (value === null) localStorage.removeItem(`trapper.${key}`);
      else localStorage.setItem(`trapper.${key}`, value);
    } catch {
      // The setting lasts for this visit only.
    }
  },
};
