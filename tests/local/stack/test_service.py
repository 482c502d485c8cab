import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from doubles.patience import is_alive, wait_until

from local.errors import LocalError
from local.notices import NOT_AGAIN
from local.stack.service import Recipe
from local.stack.supervisor import Supervisor

MakeRecipe = Callable[..., Recipe]
IGNORES_SIGTERM = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("part ready", flush=True)
while True:
    time.sleep(60)
"""


def test_a_part_is_ready_when_its_line_appears_on_standard_output(
    supervisor: Supervisor, make_recipe: MakeRecipe, said: list[str]
) -> None:
    supervisor.launch(make_recipe("host"))
    assert supervisor.wait_until_ready("host")
    assert [line.split()[0] for line in said] == ["host"]


def test_a_notice_of_a_part_is_said_at_the_console_and_is_no_line_of_its_log(
    supervisor: Supervisor, make_recipe: MakeRecipe, said: list[str]
) -> None:
    script = """
    from local import notices
    notices.send("storage does not answer")
    print("part ready", flush=True)
    import time; time.sleep(60)
    """
    recipe = make_recipe("events", script)
    supervisor.launch(recipe)
    supervisor.wait_until_ready("events")
    assert said[0] == "events: storage does not answer"
    assert recipe.log.read_text() == "part ready\n"


def test_a_part_has_a_process_group_of_its_own_in_the_session_of_its_supervisor(
    supervisor: Supervisor, make_recipe: MakeRecipe
) -> None:
    supervisor.launch(make_recipe("host"))
    supervisor.wait_until_ready("host")
    pid = supervisor.pids()["host"]
    assert (os.getpgid(pid), os.getsid(pid)) == (pid, os.getsid(0))


def test_a_killed_part_is_started_again_and_the_line_says_how_it_died(
    supervisor: Supervisor, make_recipe: MakeRecipe, said: list[str]
) -> None:
    supervisor.launch(make_recipe("host"))
    supervisor.wait_until_ready("host")
    first = supervisor.pids()["host"]
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: supervisor.pids()["host"] != first)
    assert "host was killed by SIGKILL; starting it again in 0.2 s" in said


def test_a_part_that_keeps_dying_is_started_again_after_longer_and_longer_delays(
    supervisor: Supervisor, make_recipe: MakeRecipe, said: list[str]
) -> None:
    supervisor.launch(make_recipe("host", "print('part ready', flush=True)\nraise SystemExit(3)"))
    deaths = [
        f"host ended with status 3 (part ready); starting it again in {delay} s" for delay in ("0.2", "0.4", "0.8")
    ]
    wait_until(lambda: all(line in said for line in deaths))


def test_a_part_that_never_becomes_ready_is_an_error_that_cites_its_last_words(
    supervisor: Supervisor, make_recipe: MakeRecipe, said: list[str]
) -> None:
    supervisor.launch(make_recipe("vision", "import sys\nsys.exit('no module cv2')"))
    with pytest.raises(LocalError, match=r"vision does not start: no module cv2 \(more in .*vision\.log\)"):
        supervisor.wait_until_ready("vision")
    assert [line.partition(";")[0] for line in said] == 2 * ["vision ended with status 1 (no module cv2)"]


def test_a_part_that_says_that_it_would_fail_again_is_not_started_again(
    supervisor: Supervisor, make_recipe: MakeRecipe, said: list[str]
) -> None:
    script = f"import sys\nprint('host: no host.json', file=sys.stderr)\nsys.exit({NOT_AGAIN})"
    supervisor.launch(make_recipe("host", script))
    with pytest.raises(LocalError, match=r"host does not start: no host\.json \(more in .*host\.log\)"):
        supervisor.wait_until_ready("host")
    assert said == []


def test_waiting_for_a_part_ends_when_the_stack_is_told_to_stop(
    supervisor: Supervisor, make_recipe: MakeRecipe
) -> None:
    supervisor.launch(make_recipe("host", "import time\ntime.sleep(60)"))
    threading.Timer(0.1, supervisor.request_stop).start()
    assert not supervisor.wait_until_ready("host")


def test_stopping_lets_a_part_finish_what_it_has_begun(
    supervisor: Supervisor, make_recipe: MakeRecipe, tmp_path: Path
) -> None:
    finished = tmp_path / "finished"
    script = f"""
    import pathlib, signal, sys, time
    def finish(*_):
        time.sleep(0.3)
        pathlib.Path({str(finished)!r}).touch()
        sys.exit(0)
    signal.signal(signal.SIGTERM, finish)
    print("part ready", flush=True)
    while True:
        time.sleep(60)
    """
    supervisor.launch(make_recipe("host", script))
    supervisor.wait_until_ready("host")
    supervisor.stop(("host",))
    assert finished.exists()


def test_parts_are_stopped_one_after_the_other_in_the_given_order(
    supervisor: Supervisor, make_recipe: MakeRecipe, tmp_path: Path
) -> None:
    order = tmp_path / "order"
    names = ("events", "host", "vision", "azurite")
    for name in names:
        script = f"""
        import signal, sys, time
        def finish(*_):
            open({str(order)!r}, "a").write("{name} ")
            sys.exit(0)
        signal.signal(signal.SIGTERM, finish)
        print("part ready", flush=True)
        while True:
            time.sleep(60)
        """
        supervisor.launch(make_recipe(name, script))
    supervisor.wait_until_ready(*names)
    supervisor.stop(names)
    assert order.read_text().split() == list(names)


def test_asking_twice_to_stop_kills_a_part_that_does_not_end(
    supervisor: Supervisor, make_recipe: MakeRecipe, said: list[str]
) -> None:
    supervisor.launch(make_recipe("host", IGNORES_SIGTERM))
    supervisor.wait_until_ready("host")
    pid = supervisor.pids()["host"]
    supervisor.request_stop()
    supervisor.request_stop()
    begun = time.monotonic()
    supervisor.stop(("host",))
    assert not is_alive(pid)
    assert time.monotonic() - begun < 10
    assert "host did not stop in time and was killed" in said


def test_a_part_dying_while_the_stack_stops_is_not_started_again(
    supervisor: Supervisor, make_recipe: MakeRecipe, said: list[str]
) -> None:
    supervisor.launch(make_recipe("host"))
    supervisor.wait_until_ready("host")
    supervisor.stop(("host",))
    assert not any("starting it again" in line for line in said)


def test_the_log_of_the_run_before_is_kept(supervisor: Supervisor, make_recipe: MakeRecipe, tmp_path: Path) -> None:
    recipe = make_recipe("host")
    for _ in range(2):
        supervisor.launch(recipe)
        supervisor.wait_until_ready("host")
        supervisor.stop(("host",))
    assert (tmp_path / "logs" / "host.log.1").read_text() == recipe.log.read_text() == "part ready\n"


def test_a_part_whose_log_cannot_be_written_any_more_is_not_started_again_and_says_so(
    supervisor: Supervisor, make_recipe: MakeRecipe, said: list[str], tmp_path: Path
) -> None:
    recipe = make_recipe("host")
    supervisor.launch(recipe)
    supervisor.wait_until_ready("host")
    shutil.rmtree(recipe.log.parent)
    os.kill(supervisor.pids()["host"], signal.SIGKILL)
    expected = f"host is not started again: {recipe.log} cannot be written (No such file or directory)"
    wait_until(lambda: said[-1] == expected)
    supervisor.stop(("host",))


def test_killing_the_supervisor_leaves_no_part_behind(make_recipe: MakeRecipe) -> None:
    recipe = make_recipe("host")
    script = f"""
    import pathlib, time
    from local.stack.service import Recipe
    from local.stack.supervisor import Supervisor
    supervisor = Supervisor(lambda line: None)
    supervisor.launch(Recipe("host", {list(recipe.command)!r}, "part ready", pathlib.Path({str(recipe.log)!r})))
    supervisor.wait_until_ready("host")
    print(supervisor.pids()["host"], flush=True)
    time.sleep(60)
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        assert is_alive(pid)
        process.kill()
    wait_until(lambda: not is_alive(pid))
