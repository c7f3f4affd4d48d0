"""Problems that the catalogue raises."""

from trapper_kit.problems import Problem


class UnknownModel(Problem):
    type = "unknown-model"
    title = "The catalogue has no such model"
    status = 422


class ModelNotReady(Problem):
    type = "model-not-ready"
    title = "The model cannot run yet; the detail says what to do"
    status = 422


class ModelNotFound(Problem):
    type = "model-not-found"
    title = "There is no such model here, or none with these weights"
    status = 404


class ProofNotFound(Problem):
    type = "proof-not-found"
    title = "These weights have no golden run"
    status = 404


class ModelImmutable(Problem):
    type = "model-immutable"
    title = "A published version never changes; publish another version"
    status = 409


class WeightsDiffer(Problem):
    type = "weights-differ"
    title = "The weights do not have the announced hash; nothing was kept"
    status = 422


class RangeRefused(Problem):
    type = "range-refused"
    title = "The requested bytes lie outside of the weights"
    status = 416
