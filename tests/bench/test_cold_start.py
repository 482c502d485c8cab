"""The cold start in small: that the three columns differ in their bytecode and in nothing else."""

from pathlib import Path

import pytest

from bench import cold_start
from bench.cold_start import Import


def compiled(folder: Path) -> set[str]:
    """The folders of modules that have bytecode, by name."""
    return {path.parent.name for path in folder.glob("*/__pycache__")}


def test_the_columns_differ_in_what_has_bytecode(tmp_path: Path) -> None:
    package, app = cold_start.pack(tmp_path)
    packages = cold_start.installed()
    of_all, as_in_azure, of_neither = cold_start.places(tmp_path, app, packages).values()
    assert {"shared", "RescueUpload"} <= compiled(of_all.app)
    assert {"requests", "urllib3"} <= compiled(of_all.packages)
    assert (as_in_azure.packages, as_in_azure.app) == (of_all.packages, app)
    assert of_neither.app == app
    found = [place.imported(["RescueUpload"]) for place in (of_all, as_in_azure, of_neither)]
    assert len({each.modules for each in found}) == 1
    assert 0 < found[0].modules < 400
    # Not even a run leaves any.
    assert compiled(app) | compiled(of_neither.packages) == set()
    assert package.stat().st_size < cold_start.size(app)[1]


def test_a_function_that_cannot_be_imported_is_no_figure(tmp_path: Path) -> None:
    place = cold_start.Place(cold_start.installed(), tmp_path)
    with pytest.raises(RuntimeError, match="No module named 'Nothing'"):
        place.imported(["Nothing"])


def test_a_cell_has_the_medians_of_cpu_and_time() -> None:
    assert cold_start.cell([Import(1, 1.0, 20.0), Import(1, 3.4, 10.0), Import(1, 90.0, 30.0)]) == "3 / 20"


def test_bytecode_is_counted_apart(tmp_path: Path) -> None:
    (tmp_path / "a/__pycache__").mkdir(parents=True)
    (tmp_path / "a/b.py").write_bytes(bytes(10))
    (tmp_path / "a/__pycache__/b.pyc").write_bytes(bytes(7))
    assert cold_start.size(tmp_path) == (2, 17, 7)


def test_packages_that_are_not_there_are_told_with_the_command_that_installs_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cold_start, "ROOT", tmp_path)
    with pytest.raises(cold_start.NotInstalledError, match="`make environments` installs"):
        cold_start.installed()
