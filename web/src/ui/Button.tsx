import type { ReactNode } from "react";
import { Button as AriaButton } from "react-aria-components";
import styles from "./ui.module.css";

type Props = {
  children: ReactNode;
  onPress?: () => void;
  kind?: "primary" | "plain" | "quiet" | "danger";
  size?: "normal" | "small" | "icon";
  type?: "button" | "submit";
  isDisabled?: boolean;
  label?: string;
  keys?: string | undefined;
  autoFocus?: boolean;
  isPressed?: boolean;
};

export function Button({
  children,
  onPress,
  kind = "plain",
  size = "normal",
  type = "button",
  isDisabled = false,
  label,
  keys,
  autoFocus = false,
  isPressed,
}: Props) {
  return (
    <AriaButton
      className={styles.button ?? ""}
      data-kind={kind}
      data-size={size}
      type={type}
      isDisabled={isDisabled}
      autoFocus={autoFocus}
      {...(onPress && { onPress })}
      {...(label && { "aria-label": label })}
      {...(isPressed !== undefined && { "aria-pressed": isPressed })}
    >
      {children}
      {keys && (
        <kbd className={styles.kbd} aria-hidden="true">
          {keys}
        </kbd>
      )}
    </AriaButton>
  );
}
