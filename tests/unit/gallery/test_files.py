"""The files of the page: browsers keep each until it changes, and run nothing that is not one of them."""

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path

import azure.functions as func
import pytest
from doubles.http_requests import request

from shared.errors import NotFoundError
from shared.gallery import files

SHELL = """<!doctype html>
<title>The page</title>
<link rel="stylesheet" href="/api/gallery/style.css">
<script type="module" src="/api/gallery/app.js"></script>
<a href="/api/gallery">The page</a>
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A page of two modules and a style."""
    (tmp_path / "index.html").write_text(SHELL)
    (tmp_path / "app.js").write_text("import './dom.js'\n" + "// much of the same\n" * 50)
    (tmp_path / "dom.js").write_text("export {}\n")
    (tmp_path / "style.css").write_text("a { color: red }\n")
    (tmp_path / "types.d.ts").write_text("export type A = 1\n")
    (tmp_path / ".hidden.js").write_text("no\n")
    monkeypatch.setattr(files, "FOLDER", tmp_path)
    monkeypatch.setattr(files, "_current", None)
    return tmp_path


def get(name: str = "", *, watched: bool = False, **headers: str) -> func.HttpResponse:
    sent = {key.replace("_", "-"): value for key, value in headers.items()}
    return files.answer(request("GET", headers=sent), name, watched=watched)


def directives(response: func.HttpResponse) -> Mapping[str, str]:
    each = response.headers["Content-Security-Policy"].split("; ")
    return {name: value for name, _, value in (one.partition(" ") for one in each)}


def digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def test_a_file_with_its_digest_is_kept_for_a_year(folder: Path) -> None:
    dated = f"app.{digest_of(folder / 'app.js')}.js"
    answer = get(dated)
    assert answer.get_body() == (folder / "app.js").read_bytes()
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.mimetype == "text/javascript"


@pytest.mark.parametrize("name", ["app.js", "app.000000000000.js"])
def test_any_other_name_of_it_is_asked_for_anew_each_time(folder: Path, name: str) -> None:
    answer = get(name)
    assert answer.get_body() == (folder / "app.js").read_bytes()
    assert answer.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    "name",
    [
        "index.html",
        "types.d.ts",
        ".hidden.js",
        "other.js",
        "../host.json",
        "..%2fhost.json",
        "app.js/",
        "x/app.js",
        "data",
        "APP.JS",
        "app.js\0",
        "C:\\app.js",
    ],
)
def test_nothing_else_is_a_file(folder: Path, name: str) -> None:
    with pytest.raises(NotFoundError):
        get(name)


def test_the_shell_names_every_file_by_its_digest(folder: Path) -> None:
    answer = get()
    text = answer.get_body().decode()
    script, style = (
        f"/api/gallery/{stem}.{digest_of(folder / f'{stem}.{kind}')}.{kind}"
        for stem, kind in (("app", "js"), ("style", "css"))
    )
    assert f'src="{script}"' in text
    assert f'href="{style}"' in text
    assert '<a href="/api/gallery">' in text
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.mimetype == "text/html"


def test_modules_find_each_other_by_the_map_which_comes_before_all_that_loads_one(folder: Path) -> None:
    text = get().get_body().decode()
    found = re.search(r'<script type="importmap">(.*?)</script>', text)
    assert found
    imports = json.loads(found[1])["imports"]
    assert imports == {
        f"/api/gallery/{n}.js": f"/api/gallery/{n}.{digest_of(folder / f'{n}.js')}.js" for n in ("app", "dom")
    }
    assert re.findall(r'rel="modulepreload" href="([^"]+)"', text) == list(imports.values())
    assert found.start() < text.index("modulepreload") < text.index('type="module"')


def test_the_policy_lets_the_map_run_and_no_other_text(folder: Path) -> None:
    answer = get()
    found = re.search(r'<script type="importmap">(.*?)</script>', answer.get_body().decode())
    assert found
    digest = base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()
    assert directives(answer) == {
        "default-src": "'none'",
        "script-src": f"'self' 'sha256-{digest}'",
        "style-src": "'self'",
        "img-src": "'self' blob:",
        "connect-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    assert directives(get("style.css"))["sandbox"] == ""


def test_every_answer_keeps_other_sites_out(folder: Path) -> None:
    for answer in (get(), get("app.js"), get(If_None_Match="*")):
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert answer.headers["Referrer-Policy"] == "same-origin"


def test_what_the_browser_has_is_not_sent_again(folder: Path) -> None:
    for name in ("", "app.js"):
        etag = get(name).headers["ETag"]
        for known in (etag, etag.removeprefix("W/"), f'"other", {etag}', "*"):
            again = get(name, If_None_Match=known)
            assert (again.status_code, again.get_body(), again.headers["ETag"]) == (304, b"", etag)
        assert get(name, If_None_Match='"other"').status_code == 200


@pytest.mark.parametrize("accepted", ["gzip", "br, gzip;q=0.5", "*", "deflate, GZIP ; q=1.0"])
def test_text_goes_zipped_to_those_who_take_it(folder: Path, accepted: str) -> None:
    answer = get("app.js", Accept_Encoding=accepted)
    assert (answer.headers["Content-Encoding"], answer.headers["Vary"]) == ("gzip", "Accept-Encoding")
    assert gzip.decompress(answer.get_body()) == (folder / "app.js").read_bytes()


@pytest.mark.parametrize("accepted", ["", "br", "identity", "gzip;q=0", "gzip; q=0.000", "gzipped"])
def test_it_goes_as_it_is_to_others(folder: Path, accepted: str) -> None:
    answer = get("app.js", Accept_Encoding=accepted)
    assert "Content-Encoding" not in answer.headers
    assert answer.get_body() == (folder / "app.js").read_bytes()
    # Also where it is so short that it would only grow.
    assert "Content-Encoding" not in get("dom.js", Accept_Encoding="gzip").headers


def test_a_change_shows_at_once_on_a_developers_machine_and_nowhere_else(folder: Path) -> None:
    before = get(watched=True).headers["ETag"]
    (folder / "app.js").write_text("import './dom.js' // another\n")
    assert get().headers["ETag"] == before
    assert get(watched=True).headers["ETag"] != before
    (folder / "new.js").write_text("export {}\n")
    assert get("new.js", watched=True).status_code == 200


def test_the_real_shell_has_no_script_style_or_handler_of_its_own() -> None:
    text = (files.FOLDER / files.SHELL).read_text(encoding="utf-8")
    assert not re.search(
        r"<style|\sstyle=|\son[a-z]+=|javascript:|<script(?![^>]*\ssrc=)|https?://", text, re.IGNORECASE
    )
