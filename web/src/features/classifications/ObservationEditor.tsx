import { useState } from "react";
import type { LifeStage, ObservationType, Sex } from "../../base/api/schema";
import { text } from "../../base/messages/en";
import { Button } from "../../ui/Button";
import { SelectField, TextField } from "../../ui/fields";
import { Icon } from "../../ui/icons";
import { TaxonField } from "../taxa/TaxonField";
import styles from "./Classify.module.css";
import { type Draft, withType } from "./state";

type Props = { draft: Draft; onChange: (draft: Draft) => void; onDelete: () => void; focusesSpecies: boolean };

const TYPES: readonly ObservationType[] = ["animal", "human", "vehicle", "unknown"];
const NOT_KNOWN = { value: "" as const, label: text.classify.unknownValue };

export function ObservationEditor({ draft, onChange, onDelete, focusesSpecies }: Props) {
  const isAnimal = draft.observation_type === "animal";
  return (
    <div className={styles.editor}>
      <SelectField
        label={text.classify.kind}
        value={draft.observation_type}
        onChange={(type) => onChange(withType(draft, type))}
        options={TYPES.map((value) => ({ value, label: text.classify.types[value] }))}
      />
      {isAnimal && <Species draft={draft} onChange={onChange} isFocused={focusesSpecies} />}
      {draft.observation_level !== "object" && (
        <TextField
          label={text.classify.count}
          type="number"
          value={String(draft.count ?? "")}
          onChange={(value) => onChange({ ...draft, count: Number.parseInt(value, 10) || 1 })}
        />
      )}
      {isAnimal && (
        <div className={styles.pair}>
          <SelectField<Sex | "">
            label={text.classify.sex}
            value={draft.sex ?? ""}
            onChange={(sex) => onChange({ ...draft, sex: sex || null })}
            options={[NOT_KNOWN, ...options(text.classify.sexes)]}
          />
          <SelectField<LifeStage | "">
            label={text.classify.stage}
            value={draft.life_stage ?? ""}
            onChange={(stage) => onChange({ ...draft, life_stage: stage || null })}
            options={[NOT_KNOWN, ...options(text.classify.lifeStages)]}
          />
        </div>
      )}
      <Button kind="danger" size="small" onPress={onDelete} keys="Del">
        <Icon name="trash" size={16} />
        {text.classify.delete}
      </Button>
    </div>
  );
}

const options = <T extends string>(names: Record<T, string>) =>
  (Object.keys(names) as T[]).map((value) => ({ value, label: names[value] }));

type SpeciesProps = { draft: Draft; onChange: (draft: Draft) => void; isFocused: boolean };

function Species({ draft, onChange, isFocused }: SpeciesProps) {
  const [search, setSearch] = useState(draft.label ?? draft.scientific_name ?? "");
  return (
    <TaxonField
      label={text.classify.species}
      search={search}
      onSearch={setSearch}
      onChoose={(taxon) =>
        onChange({
          ...draft,
          taxon_id: taxon.id,
          scientific_name: taxon.scientific_name,
          label: taxon.vernacular_names.en ?? null,
        })
      }
      isFocused={isFocused}
    />
  );
}
