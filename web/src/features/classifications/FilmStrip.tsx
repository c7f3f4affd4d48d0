import { Link } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import type { Neighbours } from "../../base/api/schema";
import { captured } from "../../base/format";
import { text } from "../../base/messages/en";
import { thumbnailUrl } from "../resources/queries";
import styles from "./Classify.module.css";

type Props = { project: string; resource: string; neighbours: Neighbours | undefined };

/** The photos before and after in time; a gap is where another sequence begins. */
export function FilmStrip({ project, resource, neighbours }: Props) {
  const current = useRef<HTMLAnchorElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: scrolls when another photo is the present one
  useEffect(() => {
    current.current?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [resource, neighbours]);
  const members = neighbours ? [...neighbours.before, neighbours.resource, ...neighbours.after] : [];
  return (
    <nav className={styles.strip} aria-label={text.classify.strip}>
      {members.map((member, index) => {
        const isCurrent = member.resource_id === resource;
        const startsSequence = index > 0 && members[index - 1]?.sequence_id !== member.sequence_id;
        return (
          <Link
            key={member.resource_id}
            ref={isCurrent ? current : null}
            to="/projects/$project/classify/$resource"
            params={{ project, resource: member.resource_id }}
            className={styles.frame}
            data-starts={startsSequence}
            aria-current={isCurrent}
            aria-label={captured(member.captured_at, null)}
          >
            <img src={thumbnailUrl(member.resource_id)} alt="" decoding="async" />
          </Link>
        );
      })}
    </nav>
  );
}
