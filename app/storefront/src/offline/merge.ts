/** What became of a thing of several fields that was changed here and elsewhere, field by field. */
export type Fields = Record<string, unknown>;

export interface Merged {
  /** Each field as whoever changed it wants it; as the shop has it where both did. */
  fields: Fields;
  /** Changed on both sides, to different values. */
  conflicts: string[];
}

/** What isn't there is as what is off. */
const text = (value: unknown): string => JSON.stringify(value ?? false);
const same = (one: unknown, other: unknown): boolean => text(one) === text(other);

/** `base`: what both sides began with. */
export function merge(base: Fields, mine: Fields, theirs: Fields): Merged {
  const fields: Fields = {};
  const conflicts: string[] = [];
  for (const name of new Set([...Object.keys(theirs), ...Object.keys(mine)])) {
    const changedHere = !same(mine[name], base[name]);
    if (changedHere && !same(theirs[name], base[name]) && !same(mine[name], theirs[name])) conflicts.push(name);
    const value = changedHere && !conflicts.includes(name) ? mine[name] : theirs[name];
    if (value !== undefined) fields[name] = value;
  }
  return { fields, conflicts };
}
