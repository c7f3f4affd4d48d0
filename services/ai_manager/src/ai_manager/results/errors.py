"""Problems that saving and fetching results raise."""

from trapper_kit.problems import Problem


class BlobRefused(Problem):
    type = "blob-refused"
    title = "The results break a rule; `reason` says which"
    status = 422


class ResultsNotFound(Problem):
    type = "results-not-found"
    title = "There are no results of this batch"
    status = 404
