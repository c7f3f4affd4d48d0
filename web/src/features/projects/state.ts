import type { ProviderReply } from "../../base/api/schema";
import { text } from "../../base/messages/en";

export const NEW = "new";

/** Options of a choice of models; one that cannot run says so. */
export const modelOptions = (models: readonly ProviderReply[]) => [
  { value: "", label: text.settings.none },
  ...[...models]
    .sort((left, right) => Number(left.blocked !== null) - Number(right.blocked !== null))
    .map((model) => ({
      value: model.id,
      label: `${model.name} ${model.version}${model.blocked ? ` (${text.settings.unavailable})` : ""}`,
    })),
];

/** A short name of at most ten characters: the first letters of the words, or the beginning of the only word. */
export function shortName(name: string): string {
  const words = name.toUpperCase().match(/[\p{L}\p{N}]+/gu) ?? ["PROJECT"];
  const letters = words.length > 1 ? words.map((word) => word[0]).join("") : (words[0] ?? "");
  return letters.slice(0, 10);
}
