"""The gauges tell what is the case at the moment, and nothing that was."""

from prometheus_client import REGISTRY

from ai_worker.heartbeats.measure import measure
from ai_worker.leases.events import HeartbeatFailed, RunFailed
from tests.support.make.ai_worker import open_worker


def closed():
    (metric,) = [one for one in REGISTRY.collect() if one.name == "trapper_claims_closed"]
    return {sample.labels["reason"]: sample.value for sample in metric.samples}


async def test_why_nothing_is_claimed_is_told_while_it_is_so(tmp_path):
    async with open_worker(tmp_path) as work:
        await measure(work, {}, (0, 0))
        assert closed() == {}
        work.handle(RunFailed(work.monotonic(), "cannot_run"))
        await measure(work, {}, (0, 0))
        assert closed() == {"cannot_run": 1}
        work.handle(HeartbeatFailed(1, unauthorized=True))
        await measure(work, {}, (0, 0))
        assert closed() == {"credential_not_valid": 1}
        work.state.revoked, work.state.held_until = False, 0.0
        await measure(work, {}, (0, 0))
        assert closed() == {}


async def test_models_that_do_not_run_are_counted_and_weights_include_what_was_built_of_them(tmp_path):
    async with open_worker(tmp_path) as work:
        work.self_tests.failed["0" * 64] = "numbers 10% off"
        (work.store.built / ("0" * 64) / "key").mkdir(parents=True)
        (work.store.built / ("0" * 64) / "key" / "a.engine").write_bytes(b"x" * 100)
        work.store.path("0" * 64, "onnx").write_bytes(b"x" * 50)
        await measure(work, {}, (0, 0))
    assert REGISTRY.get_sample_value("trapper_models_unfit") == 1
    assert REGISTRY.get_sample_value("trapper_weights_bytes") == 150
    assert REGISTRY.get_sample_value("trapper_weights_files") == 1
