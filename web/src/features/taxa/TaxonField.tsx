import { useQuery } from "@tanstack/react-query";
import type { TaxonReply } from "../../base/api/schema";
import { text } from "../../base/messages/en";
import { SearchField } from "../../ui/SearchField";
import { taxaQuery } from "./queries";

type Props = {
  label: string;
  search: string;
  onSearch: (search: string) => void;
  onChoose: (taxon: TaxonReply) => void;
  isFocused?: boolean;
};

/** Finds a taxon by its Latin or common name. */
export function TaxonField({ label, search, onSearch, onChoose, isFocused = false }: Props) {
  const taxa = useQuery(taxaQuery(search.trim())).data ?? [];
  const choose = (id: string) => {
    const taxon = taxa.find((each) => each.id === id);
    if (!taxon) return;
    onSearch(taxon.vernacular_names.en ?? taxon.scientific_name);
    onChoose(taxon);
  };
  return (
    <SearchField
      label={label}
      text={search}
      onText={onSearch}
      options={taxa.map((taxon) => ({
        id: taxon.id,
        name: taxon.vernacular_names.en ?? taxon.scientific_name,
        detail: taxon.scientific_name,
      }))}
      onChoose={choose}
      emptyText={search.trim().length < 2 ? text.classify.speciesHint : text.classify.noTaxon}
      autoFocus={isFocused}
    />
  );
}
