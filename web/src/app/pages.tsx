import { Link } from "@tanstack/react-router";
import { text } from "../base/messages/en";
import { Button } from "../ui/Button";
import { Empty, Page, Problem } from "../ui/parts";

export const NotFoundPage = () => (
  <Page title={text.shell.notFound}>
    <Empty title={text.shell.notFoundHint}>
      <Link to="/projects">{text.shell.toProjects}</Link>
    </Empty>
  </Page>
);

export const FailedPage = ({ error }: { error: unknown }) => (
  <Page title={text.shell.failed}>
    <Problem error={error} />
    <div>
      <Button kind="primary" onPress={() => window.location.reload()}>
        {text.shell.reload}
      </Button>
    </div>
  </Page>
);
