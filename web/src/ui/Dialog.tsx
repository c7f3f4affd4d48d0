import type { ReactNode } from "react";
import { Dialog as AriaDialog, Heading, Modal, ModalOverlay } from "react-aria-components";
import styles from "./ui.module.css";

type Props = {
  title: string;
  isOpen: boolean;
  onClose: () => void;
  children: ReactNode;
  isWide?: boolean;
  isDismissable?: boolean;
};

export function Dialog({ title, isOpen, onClose, children, isWide = false, isDismissable = true }: Props) {
  return (
    <ModalOverlay
      className={styles.dialogScrim ?? ""}
      isOpen={isOpen}
      isDismissable={isDismissable}
      isKeyboardDismissDisabled={!isDismissable}
      onOpenChange={(open) => !open && onClose()}
    >
      <Modal className={styles.dialog ?? ""} {...(isWide && { "data-wide": true })}>
        <AriaDialog className={styles.dialogBody ?? ""}>
          <Heading slot="title" level={2}>
            {title}
          </Heading>
          {children}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}
