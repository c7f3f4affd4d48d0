type Page<T> = { items: T[]; next_cursor: string | null };

/** All rows of a list, page by page; only for lists that a page needs whole. */
export async function allPages<T>(read: (cursor: { cursor?: string }) => Promise<Page<T>>): Promise<T[]> {
  const rows: T[] = [];
  for (let cursor: string | null = null; ; ) {
    const page: Page<T> = await read(cursor === null ? {} : { cursor });
    rows.push(...page.items);
    if (page.next_cursor === null) return rows;
    cursor = page.next_cursor;
  }
}
