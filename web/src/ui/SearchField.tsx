import { ComboBox, Input, Label, ListBox, ListBoxItem, Popover } from "react-aria-components";
import styles from "./ui.module.css";

export type Option = { id: string; name: string; detail: string };

type Props = {
  label: string;
  text: string;
  onText: (text: string) => void;
  options: readonly Option[];
  onChoose: (id: string) => void;
  emptyText: string;
  autoFocus?: boolean;
};

/** A text field with what fits it below; the caller searches. */
export function SearchField({ label, text, onText, options, onChoose, emptyText, autoFocus = false }: Props) {
  return (
    <ComboBox
      className={styles.field ?? ""}
      inputValue={text}
      onInputChange={onText}
      items={options}
      menuTrigger="focus"
      allowsEmptyCollection
      allowsCustomValue
      onSelectionChange={(key) => key !== null && onChoose(String(key))}
    >
      <Label className={styles.label ?? ""}>{label}</Label>
      <Input className={styles.input ?? ""} autoFocus={autoFocus} />
      <Popover className={styles.popover ?? ""}>
        <ListBox<Option>
          className={styles.listBox ?? ""}
          renderEmptyState={() => <p className={styles.option}>{emptyText}</p>}
        >
          {(option) => (
            <ListBoxItem className={styles.option ?? ""} textValue={option.name}>
              {option.name}
              {option.detail && <small>{option.detail}</small>}
            </ListBoxItem>
          )}
        </ListBox>
      </Popover>
    </ComboBox>
  );
}
