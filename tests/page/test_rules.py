"""The lint of the page finds what would show a text as markup, break its policy, or ask another host."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from local.node import find_node

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / "tests" / "page" / "tools"
ESLINT = TOOLS / "node_modules" / "eslint" / "bin" / "eslint.js"
IMPORT = "import { element } from './dom.js'\n"
BAD = {
    "inner.js": "document.body.innerHTML = 'a'",
    "outer.js": "document.body['outerHTML'] = 'a'",
    "adjacent.js": "document.body.insertAdjacentHTML('beforeend', 'a')",
    "written.js": "document.write('a')",
    "parsed.js": "new DOMParser().parseFromString('a', 'text/html')",
    "framed.js": "document.createElement('iframe').srcdoc = 'a'",
    "style.js": "document.body.setAttribute('style', 'color: red')",
    "styled.js": IMPORT + "element('a', { style: 'color: red' })",
    "handler.js": "document.body.setAttribute('onclick', 'a()')",
    "eval.js": "eval('1')",
    "function.js": "document.title = new Function('return 1')()",
    "timer.js": "setTimeout('a()', 1)",
    "script.js": IMPORT + "element('a', { href: 'javascript:a()' })",
    "other-host.js": IMPORT + "element('img', { src: 'https://example.com/a.png' })",
    "same-scheme.js": "document.title = `//example.com/${document.title}`",
    "module.js": "import { view } from '/api/gallery/address.js'\ndocument.title = view().q",
    "later.js": "export const later = () => import('./dom.js')",
    "floating.js": "Promise.resolve()",
    "log.js": "console.log('a')",
    "other-host.css": "a {\n  background: url('https://example.com/a.png');\n}",
    "imported.css": "@import 'list.css';",
    "unknown.css": "a {\n  colour: red;\n}",
    "too-new.css": "a {\n  animation-timeline: view();\n}",
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """By the name of a file: the rules that it breaks."""
    assert ESLINT.exists(), f"{ESLINT} is missing: `make setup-dev` installs it"
    project = tmp_path_factory.mktemp("page")
    shutil.copytree(ROOT / "gallery", project / "gallery")
    for name, text in BAD.items():
        (project / "gallery" / name).write_text(f"{text}\n", encoding="utf-8")
    command = [find_node(), ESLINT, "--config", TOOLS / "eslint.config.js", "--format", "json", "gallery"]
    told = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False, timeout=120)
    return {
        Path(each["filePath"]).name: [message["ruleId"] or message["message"] for message in each["messages"]]
        for each in json.loads(told.stdout)
    }


def test_the_page_as_it_is_breaks_no_rule(found: dict[str, list[str]]) -> None:
    pages = {name: rules for name, rules in found.items() if name not in BAD}
    assert {"app.js", "dom.js", "style.css"} <= pages.keys()
    assert {name: rules for name, rules in pages.items() if rules} == {}


@pytest.mark.parametrize("name", BAD)
def test_a_line_that_the_page_may_not_have_is_found(found: dict[str, list[str]], name: str) -> None:
    assert len(found[name]) == 1, found[name]
    assert "Parsing" not in found[name][0]
