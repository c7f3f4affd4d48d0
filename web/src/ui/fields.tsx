import type { ReactNode } from "react";
import {
  Switch as AriaSwitch,
  TextField as AriaTextField,
  FieldError,
  Input,
  Label,
  Text,
} from "react-aria-components";
import styles from "./ui.module.css";

type TextProps = {
  label: string;
  value: string;
  onChange: (value: string) => void;
  type?: "text" | "email" | "password" | "number" | "search" | "datetime-local";
  hint?: string;
  error?: string | undefined;
  isRequired?: boolean;
  autoFocus?: boolean;
  autoComplete?: string;
  name?: string;
  isDisabled?: boolean;
};

export function TextField({ label, hint, error, type = "text", ...rest }: TextProps) {
  return (
    <AriaTextField className={styles.field ?? ""} type={type} isInvalid={error !== undefined} {...rest}>
      <Label className={styles.label ?? ""}>{label}</Label>
      <Input className={styles.input ?? ""} {...(type === "number" && { step: "any" })} />
      {hint && (
        <Text slot="description" className={styles.hint ?? ""}>
          {hint}
        </Text>
      )}
      <FieldError className={styles.fieldError ?? ""}>{error}</FieldError>
    </AriaTextField>
  );
}

type SelectProps<T extends string> = {
  label: string;
  value: T;
  onChange: (value: T) => void;
  options: readonly { value: T; label: string }[];
  hint?: ReactNode;
  isDisabled?: boolean;
};

/** The select of the browser: it works everywhere, with a keyboard and on a phone. */
export function SelectField<T extends string>({ label, value, onChange, options, hint, isDisabled }: SelectProps<T>) {
  return (
    <label className={styles.field}>
      <span className={styles.label}>{label}</span>
      <select
        className={styles.input}
        value={value}
        disabled={isDisabled ?? false}
        onChange={(event) => onChange(event.target.value as T)}
      >
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
      {hint && <span className={styles.hint}>{hint}</span>}
    </label>
  );
}

type SwitchProps = {
  children: ReactNode;
  isSelected: boolean;
  onChange: (value: boolean) => void;
  isDisabled?: boolean;
};

export function Switch({ children, isSelected, onChange, isDisabled = false }: SwitchProps) {
  return (
    <AriaSwitch className={styles.switch ?? ""} isSelected={isSelected} onChange={onChange} isDisabled={isDisabled}>
      <span className={styles.track} />
      {children}
    </AriaSwitch>
  );
}
