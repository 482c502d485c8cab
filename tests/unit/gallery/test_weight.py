"""The page is light, and nothing lies in its folder that no browser asks for."""

import re

from shared.gallery import files

# Of the shell, every module, every file of styles and the icon together, as they are sent: compressed, with headers.
MOST_BYTES = 150_000
# Of one answer through the local host, as `bench.gallery` sees it.
HEADER_BYTES = 600
# What only the checks of the page read. It is never deployed, which tests/functions/test_package.py holds.
OF_THE_CHECKS = {"tsconfig.json", "types.d.ts"}
IMPORT = re.compile(r"^(?:import |.*\bfrom )'\./([a-z0-9-]+\.js)'$", re.MULTILINE)


def text_of(name: str) -> str:
    return (files.FOLDER / name).read_text(encoding="utf-8")


def reached(name: str, found: set[str]) -> set[str]:
    """The module and all that it imports, by way of others too."""
    if name not in found:
        found.add(name)
        for other in IMPORT.findall(text_of(name)):
            reached(other, found)
    return found


def test_the_whole_page_has_at_most_150_kilobytes_on_the_wire() -> None:
    page = files.read(files.FOLDER)
    weights = {name: len(file.zipped) + HEADER_BYTES for name, file in {files.SHELL: page.shell, **page.others}.items()}
    assert {"index.html", "app.js", "style.css"} <= weights.keys()
    assert sum(weights.values()) <= MOST_BYTES, sorted(weights.items(), key=lambda each: -each[1])


def test_every_file_is_one_that_the_shell_links_or_a_module_imports() -> None:
    """A browser loads all modules at once, so one that is left over costs every visitor."""
    linked = set(re.findall(r'"/api/gallery/([a-z0-9.-]+)"', text_of(files.SHELL)))
    modules = reached("app.js", set())
    there = {path.name for path in files.FOLDER.iterdir()}
    assert there == linked | modules | {files.SHELL} | OF_THE_CHECKS
