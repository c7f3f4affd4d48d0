"""A worker behind a proxy, at a Manager whose certificate an authority of the site has signed."""

import asyncio
import os
import sys

import pytest

from tests.support.make.ai_worker import worker_settings
from tests.support.proxies import make_certificate, proxying, terminating_tls

NAME = "manager.example.org"
URL = f"https://{NAME}"


async def command(settings, *arguments, given="", **variables):
    """Exit code and both outputs of `trapper-worker`."""
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    environment |= {"AI_WORKER_STATE_DIR": str(settings.state_dir), **variables}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "ai_worker.commands",
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
    )
    out, err = await process.communicate(given.encode())
    return process.returncode, out.decode(), err.decode()


@pytest.fixture
async def site(manager, tmp_path):
    """The proxy, which alone knows the Manager by name, and the certificate of the site's authority."""
    certificate = make_certificate(tmp_path, NAME)
    port = int(manager.url.rpartition(":")[2])
    async with terminating_tls(port, certificate) as tls, proxying({NAME: tls}, credentials="ada:secret") as proxy:
        yield proxy, certificate


async def test_it_enrols_and_its_doctor_finds_the_manager(manager, site, tmp_path):
    proxy, certificate = site
    settings = worker_settings(tmp_path / "worker")
    variables = {
        "HTTPS_PROXY": proxy.url.replace("//", "//ada:secret@"),
        "SSL_CERT_FILE": str(certificate.authority),
    }
    enrol = ("enrol", "--manager", URL, "--token-stdin")
    token = await manager.enrolment_token()
    assert (await command(settings, *enrol, given=token, **variables))[0] == 0
    _, out, _ = await command(settings, "doctor", **variables)
    assert f"ok   manager: {URL} answers" in out
    assert set(proxy.requests) == {f"CONNECT {NAME}:443"}


@pytest.mark.parametrize(
    ("credentials", "trusted", "reason"),
    [
        ("ada:secret", False, "certificate is not trusted"),
        ("ada:guess", True, "refused: 407"),
        ("", True, "refused: 407"),
    ],
)
async def test_what_fails_is_named_without_a_traceback(site, tmp_path, credentials, trusted, reason):
    proxy, certificate = site
    variables = {"HTTPS_PROXY": proxy.url.replace("//", f"//{credentials}@" if credentials else "//")}
    if trusted:
        variables["SSL_CERT_FILE"] = str(certificate.authority)
    enrol = ("enrol", "--manager", URL, "--token-stdin")
    settings = worker_settings(tmp_path / "worker")
    code, out, err = await command(settings, *enrol, given="a token", **variables)
    assert (code, out) == (1, "")
    assert reason in err
    assert proxy.url in err
    assert "guess" not in err
    assert "Traceback" not in err


async def test_a_proxy_that_is_not_there_is_named(tmp_path):
    settings = worker_settings(tmp_path / "worker")
    enrol = ("enrol", "--manager", URL, "--token-stdin")
    code, _, err = await command(settings, *enrol, given="a token", HTTPS_PROXY="http://127.0.0.1:9")
    assert code == 1
    assert "the proxy http://127.0.0.1:9 cannot be reached" in err
    assert "Traceback" not in err
