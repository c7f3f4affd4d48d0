"""A person signs in with the keyboard, by link, again after the session ended, and out."""

import re

from playwright.sync_api import Page, Route, expect

from tests.web.conftest import Site, Watch, sign_in


def test_cold_start_returns_to_its_address_after_signing_in(page: Page, site: Site) -> None:
    sign_in(page, site, "/fleet")
    expect(page.get_by_role("heading", name="Fleet", level=1)).to_be_visible()
    assert page.url == f"{site.url}/fleet"


def test_wrong_password_says_so(page: Page, site: Site, watch: Watch) -> None:
    watch.allowed.add(401)
    page.goto("/sign-in")
    page.get_by_label("E-mail").fill(site.email)
    page.get_by_label("Password").fill("three wet owls at noon")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("The e-mail or the password is wrong")


def test_next_address_stays_on_this_site(page: Page, site: Site) -> None:
    sign_in(page, site, "/sign-in?next=//elsewhere.example/")
    page.wait_for_url("**/projects")


def test_link_of_trapper_run_signs_in_once(page: Page, site: Site, watch: Watch) -> None:
    watch.allowed.add(401)
    found = re.search(r"Signs you in once[^\n]*: (http\S+/sign-in#link=\S+)", site.printed)
    assert found, site.printed
    assert f"Web app: {site.url}/" in site.printed
    page.goto(found[1])
    expect(page.get_by_role("heading", name="Projects", level=1)).to_be_visible()
    assert "link=" not in page.url
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    page.goto("about:blank")
    page.goto(found[1])
    expect(page.get_by_role("alert")).to_be_visible()


def test_late_refusal_of_the_former_session_asks_nobody(signed_in: Page, site: Site, watch: Watch) -> None:
    watch.allowed.add(401)
    held: list[Route] = []
    signed_in.wait_for_load_state("networkidle")

    def hold_first(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    signed_in.route("**/api/users/**", hold_first)
    signed_in.context.clear_cookies()
    signed_in.get_by_role("link", name="Fleet").click()
    dialog = signed_in.get_by_role("dialog", name="Your session has ended")
    dialog.get_by_label("E-mail").fill(site.email)
    dialog.get_by_label("Password").fill(site.password)
    signed_in.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    held[0].fulfill(status=401, content_type="application/problem+json", body='{"type": "unauthenticated"}')
    expect(signed_in.get_by_role("cell", name=site.email)).to_be_visible()
    expect(dialog).to_be_hidden()


def test_ended_session_asks_over_the_page_and_goes_on(signed_in: Page, site: Site, watch: Watch) -> None:
    watch.allowed.add(401)
    signed_in.wait_for_load_state("networkidle")
    signed_in.context.clear_cookies()
    signed_in.get_by_role("link", name="Fleet").click()
    dialog = signed_in.get_by_role("dialog", name="Your session has ended")
    dialog.get_by_label("E-mail").fill(site.email)
    dialog.get_by_label("Password").fill(site.password)
    signed_in.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(signed_in.get_by_role("cell", name="standalone")).to_be_visible()
    assert signed_in.url == f"{site.url}/fleet"
