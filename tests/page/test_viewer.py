"""A viewer sees everything and can change nothing, by the page or past it; nor can a page of another site."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote

import pytest
from doubles.gallery_world import GALLERY_KEY, Arrive, World
from doubles.many_images import FAILED_EACH, image
from doubles.page_views import card, found, opened, search
from doubles.platform_sign_in import EDITOR, VIEWER, principal_headers
from playwright.sync_api import APIRequestContext, expect

FAILED = image(FAILED_EACH - 1).name
COMPLETE = image(0).name
CHANGES = [
    ("PUT", f"images?name={quote('new of a viewer.png')}", b"x"),
    ("DELETE", f"images?name={quote(COMPLETE, safe='')}", None),
    ("PUT", f"corrections?name={quote(COMPLETE, safe='')}", json.dumps({"caption": "changed"})),
    ("DELETE", f"corrections?name={quote(COMPLETE, safe='')}", None),
    ("POST", "retry", json.dumps({"name": FAILED})),
    ("POST", "retry", json.dumps({"pending": True})),
]
OWN = {"x-blobsight-gallery": "1", "content-type": "application/json"}


def test_a_viewer_sees_all_and_finds_nothing_to_change_it_with(arrive: Arrive) -> None:
    page = arrive(VIEWER, near=True).page
    failures = page.get_by_role("region", name="Failures")
    expect(failures.get_by_role("link").first).to_be_visible()
    for name in ("Try again", "Try all again", "Add images"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)

    search(page, COMPLETE)
    card(page, COMPLETE).click()
    with opened(page, COMPLETE) as view:
        expect(view.get_by_role("region", name="About the image")).to_contain_text(image(0).caption)
        for name in ("Correct", "Delete this image", "Try again"):
            expect(view.get_by_role("button", name=name)).to_have_count(0)


def sent(request: APIRequestContext, address: str, change: tuple[str, str, object], **headers: str) -> tuple[int, str]:
    """Status and code of what a changing request is answered."""
    method, route, body = change
    answer = request.fetch(
        f"{address}/data/{route}",
        method=method,
        data=body,
        headers={**OWN, **headers},  # type: ignore[arg-type]
    )
    return answer.status, answer.json()["code"]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: f"{change[0]} {change[1].partition('?')[0]}")
def test_no_request_of_those_who_may_look_changes_anything(
    arrive: Arrive, world: World, change: tuple[str, str, object]
) -> None:
    viewer = arrive(VIEWER, near=True).page.context.request
    stranger = arrive(None, near=True).page.context.request

    assert sent(viewer, world.near, change) == (403, "gallery_forbidden")
    assert sent(stranger, world.near, change, **{"x-gallery-key": GALLERY_KEY}) == (403, "gallery_forbidden")
    assert sent(stranger, world.near, change) == (401, "gallery_sign_in")
    assert sent(stranger, world.near, change, **principal_headers(EDITOR)) == (401, "gallery_sign_in")
    assert world.ask(f"/api/images?name={quote(COMPLETE, safe='')}")["state"] == "complete"


class _OtherSite(BaseHTTPRequestHandler):
    """An empty page, at an address that the browser counts to the same site as the app."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><html lang=en><link rel=icon href=data:,><title>Another site</title>")

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def other_site() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _OtherSite) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def test_a_page_of_another_site_changes_nothing_with_the_persons_cookie(arrive: Arrive, world: World) -> None:
    visit = arrive(EDITOR, near=True, expected=("403", "CORS", "blocked", "ERR_"))
    page = visit.page
    expect(found(page)).to_contain_text("images")
    with other_site() as address:
        page.goto(address)
        before = len(world.sign_in.answered)
        for method, kind in (("POST", "text/plain"), ("POST", "application/json"), ("GET", "")):
            route = "retry" if method == "POST" else "search"
            told = page.evaluate(
                """async ({ address, method, kind, body }) => {
                    const options = { method, credentials: 'include', mode: 'no-cors' }
                    if (method === 'POST') Object.assign(options, { headers: { 'content-type': kind }, body })
                    return fetch(address, options).then((answer) => answer.type, (error) => String(error))
                }""",
                {"address": f"{world.near}/data/{route}", "method": method, "kind": kind, "body": '{"pending": true}'},
            )
            # It cannot read a word of the answer.
            assert told == "opaque" or "Failed to fetch" in told
        # A request with a header of its own asks for leave first, and gets none.
        asked = page.evaluate(
            """(address) => fetch(address, {
                method: 'PUT', credentials: 'include', headers: { 'x-blobsight-gallery': '1' }
            }).then(() => 'answered', (error) => String(error))""",
            f"{world.near}/data/corrections?name=a",
        )
        assert "Failed to fetch" in asked
    answers = world.sign_in.answered[before:]
    # The browser has sent all of them with the cookie, as it takes both addresses for one site.
    asked_of = [(method, path.rpartition("/")[2], has_person) for method, path, _, has_person in answers]
    assert asked_of[:3] == [("POST", "retry", True), ("POST", "retry", True), ("GET", "search", True)]
    assert all(status in (401, 403, 404, 405) for _, _, status, _ in answers), answers
