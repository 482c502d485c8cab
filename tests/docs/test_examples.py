"""
The examples of the documentation: every fenced block is run, or compared with what the real stack writes.

`WAYS` says how each kind of block is taken; the first one that takes a block runs it. Almost all of them use one stack,
which is started by the very commands that the README begins with, in a clone of the project.
"""

import asyncio
import json
import re
import shutil
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from inspect import signature
from typing import Any, NamedTuple
from unittest import mock

import pytest
from azure.functions.queue import QueueMessage
from azure.storage.blob import ContentSettings
from deployment import event_subscriptions, findings, sample
from doubles import client_blocks, kql
from doubles.calls import call
from doubles.checkout import Place, TypedStack, environment, publish
from doubles.doc_blocks import PAGES, Block, blocks
from doubles.doc_world import World, as_shown, assert_command, assert_same_members, form, run
from doubles.file_server import serving
from doubles.hosting import running_host
from doubles.http_requests import Hub, invocation, request
from doubles.parts import parts
from doubles.patience import wait_until
from doubles.pictures import picture
from doubles.ports import five_free_ports

from DescribeHttp import main
from local import app_settings
from local.addresses import Addresses
from shared import services
from shared.records import by_step
from shared.settings import Settings

pytestmark = pytest.mark.e2e
# `add` says it every ten seconds, and of many images how long they take; here are few, and they are done sooner.
PROGRESS = re.compile(r"\d+ of \d+ uploaded, .+|\d+ images take .+")
RECORD = re.compile(r"`(analysis|text|unfinished|corrections)/([^`{]*\.json)`")
# What a terminal of the pages may be told to run; what is none of these, or stays, needs a way of its own.
KNOWN = re.compile(r"(curl|base64|printf|python|export|while|cat|#|\.) |(app|control|key|location)=")
# Deploying: these are looked at, and not run.
AZURE = re.compile(
    r"azd (auth login|up|deploy|down --purge --force|pipeline config|hooks run postdeploy|env (get-values|set \w+ \S+))"
    r"|az storage (blob (upload|download)|container generate-sas --as-user) --auth-mode login .+"
    r"|az rest --method put --url \"https://management\.azure\.com/TOPIC/eventSubscriptions/[\w-]+\?api-version="
    rf"{event_subscriptions.VERSION}\" --body @(uploads|large|events)\.json"
    r"|curl -X PUT -H 'api-key: SEARCHKEY' -H 'Content-Type: application/json'"
    r" --data-binary @examples/search/[\w-]+\.json"
    r" 'https://SEARCH\.search\.windows\.net/(datasources|indexes|skillsets|indexers)/[\w-]+\?api-version=2025-09-01'"
    r"|az functionapp keys list --resource-group GROUP --name APP --query functionKeys\.default --output tsv"
)
STAYS = re.compile(r"python -m local (start|vision|host|events)\b")
SETTING = re.compile(r"(?:export )?(\w+)=(\S+)")
# Blocks with such a mark are not run.
LEFT_OUT = {
    "later": "what it shows is being built; the mark goes when it is there",
    "elsewhere": "it needs a program and a model that the project neither has nor fetches",
}


# What each kind of event subscription is called where it is made by hand, by the suffix of its name.
HAND_MADE = {"": "uploads.json", "-large": "large.json", "-events": "events.json"}


CLIENTS = "docs/clients.md"


# How blocks are run


def set_before(block: Block) -> list[str]:
    """What the page has set before the block, in the terminal in which it is read from its top."""
    earlier = [command.text for each in blocks(block.page) if each.line < block.line for command in each.commands]
    return [text for text in earlier if SETTING.fullmatch(text)]


def in_a_terminal(world: World, block: Block, place: Place | None = None) -> None:
    with world.terminal(place) as opened:
        for text in set_before(block):
            opened.run((place or world.place).here(text))
        for command in block.commands:
            assert_command(world, command, opened, place or world.place)


def started_the_stack(world: World, block: Block) -> None:
    """The stack that all others use was started by this block."""
    assert world.stack.typed == [world.place.here(command.text) for command in block.commands]
    assert len([line for line in world.stack.lines if "; thumbnails: 2/2" in line]) == 7, world.stack.output


def before_a_start(world: World, block: Block) -> None:
    """As on a machine on which no stack runs yet."""
    in_a_terminal(world, block, Place(world.place.folder, five_free_ports(), world.place.repository))


def with_a_photo_of_theirs(world: World, block: Block) -> None:
    shutil.copy(world.place.folder / "samples" / "chelsea.jpg", world.place.folder / "their-photo.jpg")
    in_a_terminal(world, block)


def with_a_photo_of_theirs_there(world: World, block: Block) -> None:
    world.stack.upload("their-photo.jpg", (world.place.folder / "samples" / "chelsea.jpg").read_bytes())
    in_a_terminal(world, block)


def with_a_folder_of_photos(world: World, block: Block) -> None:
    """Two that fail, one that is no image and one that is well: the lines are those of the page, the numbers not."""
    photos = world.place.folder / "photos"
    (photos / "2024").mkdir(parents=True)
    (photos / "notes.txt").write_text("hello\n")
    (photos / "2024" / "logo.svg").write_bytes(b'<svg xmlns="http://www.w3.org/2000/svg"/>')
    (photos / "2024" / "stamp.png").write_bytes(picture("PNG", 9, 9))
    (photos / "breakfast.jpg").write_bytes((world.place.folder / "samples" / "coffee.jpg").read_bytes())
    [command] = block.commands
    with world.terminal() as opened:
        printed = run(world, command, opened, world.place, status=1)
    # Those that fail are told in the order in which they do.
    said, shown = (
        sorted(form(line) for line in lines if not PROGRESS.fullmatch(line))
        for lines in (printed.splitlines(), command.answer)
    )
    assert said == shown


def as_programs_of_the_examples(world: World, block: Block) -> None:
    """They look for a stack on the default ports, so they are told of this one."""
    addresses = world.stack.addresses
    with world.terminal() as opened:
        for name, value in (("URL", addresses.host_url), ("STORAGE", addresses.connection_string)):
            assert opened.run(f"export BLOBSIGHT_{name}='{value}'") == (0, "")
        for command in block.commands:
            assert_command(world, command, opened, world.place)


def with_somebody_else_asking(world: World, block: Block) -> None:
    """Somebody else is making the very thumbnail that the block asks for."""
    [command] = block.commands
    [path] = re.findall(r"localhost:7071([^'\s]+)", command.text)

    def ask() -> None:
        with urllib.request.urlopen(world.stack.addresses.host_url + path, timeout=60) as answer:
            answer.read()

    world.control("PUT", "hold", operations=["generateThumbnail"])
    other = threading.Thread(target=ask)
    other.start()
    try:
        wait_until(lambda: bool(world.control("GET", "hold")["waiting"]))
        in_a_terminal(world, block)
    finally:
        world.control("DELETE", "hold")
        other.join()


def with_keys(world: World, block: Block) -> None:
    """A second stack, which checks keys, in a checkout of its own."""
    place = Place(world.folder / "keys", five_free_ports(), world.place.repository)
    place.set_up()
    start, *others = block.commands
    stack = TypedStack(Addresses(place.port), place.folder / ".blobsight")
    try:
        stack.type_in(place.folder, ". .venv/bin/activate", place.here(start.text), until="ready after")
        with world.terminal(place) as opened:
            for command in others:
                assert_command(world, command, opened, place)
    finally:
        stack.press_ctrl_c()


def with_a_health_key_in_an_outage(world: World, block: Block) -> None:
    """A second host, which has the key and has not looked yet; the first one's last look counts for 30 seconds."""
    with world.terminal() as opened:
        status, printed = opened.run(world.place.here("python -m local unfinished reconcile"))
        assert status == 0, printed
    world.control("PUT", "faults", status={"503": 1})
    own = app_settings.environment(world.stack.addresses, environment(HEALTH_KEY="let-me-see"))
    with running_host(world.place.folder, world.folder / "health", environment=own) as host:
        in_a_terminal(world, block, Place(world.place.folder, host.port, world.place.repository))


def with_a_refused_key(world: World, block: Block) -> None:
    world.control("PUT", "faults", status={"401": 1})
    in_a_terminal(world, block)


def planned(world: World, block: Block) -> None:
    """Nothing is run that would run this: make says what it would do, pytest what it would collect."""
    with world.terminal() as opened:
        for command in block.commands:
            make = re.fullmatch(r"make (\w+)", command.text)
            text = f"{world.place.make(make[1])} --dry-run" if make else f"{command.text} --collect-only"
            status, printed = opened.run(text)
            assert status == 0, printed
            # The tree that pytest prints names files without their folders.
            wanted = "tests/run.py" if make else re.findall(r"([a-z_.]+)(?: -q)?$", command.text)[0]
            assert wanted in printed, printed


def as_python(world: World, block: Block) -> None:
    """What the page's first Python block sets up, then this one, with the variables that the page has set before."""
    own = dict(SETTING.sub(r"\1=\2", world.place.here(text)).split("=", 1) for text in set_before(block))
    first = next(each for each in blocks(block.page) if each.kind == "python")
    code = "\n".join(each.text for each in dict.fromkeys([first, block]))
    world.printed[block] = world.python(world.place.here(code), **own)


def as_python_with_doubles(world: World, block: Block) -> None:
    names: dict[str, Any] = {"services": services, "parts": parts().services, "main": main, "asyncio": asyncio}
    names |= {"request": request(body=picture()), "context": invocation()}
    exec(block.text, names)
    assert names["answer"].status_code == 200


def as_a_function_folder(world: World, block: Block) -> None:
    """Its event has the image processed by an appointment, and its binding's names are those of its function."""
    hub, own = Hub(), parts()
    code: dict[str, Any] = {}
    exec(block.text, code)
    event = {"subject": "/blobServices/default/containers/images/blobs/a/b.jpg", "data": {"eTag": "0x8D"}}
    with (
        services.replaced(own.services),
        mock.patch("azure.durable_functions.DurableOrchestrationClient", return_value=hub),
    ):
        asyncio.run(code["main"](QueueMessage(body=json.dumps(event)), "starter", invocation()))
    assert [(name, task["name"], task["steps"]) for name, _, task in hub.started] == [
        ("RetryOrchestrator", "a/b.jpg", list(by_step.STEPS))
    ]
    [bindings] = [json.loads(each.text)["bindings"] for each in blocks(block.page) if as_bindings(each)]
    assert {each["name"] for each in bindings} | {"context"} == set(signature(code["main"]).parameters)


def with_its_function(world: World, block: Block) -> None:
    """Looked at when the Python block after it is run."""
    of_the_page = list(blocks(block.page))
    following = of_the_page[of_the_page.index(block) + 1]
    assert way_of(following) is FUNCTION


def as_bindings(block: Block) -> bool:
    """Whether it is a function.json, which the Python block after it is run with."""
    return block.kind == "json" and '"bindings"' in block.text


def as_a_dockerfile(world: World, block: Block) -> None:
    """What it copies is there, and the page names the queue of its host id."""
    [host_id] = re.findall(r"AzureFunctionsWebHost__hostid=([a-z0-9-]{1,32})$", block.text, re.MULTILINE)
    assert f"`azure-webjobs-blobtrigger-{host_id}`" in (world.place.folder / block.page).read_text()
    for copied in re.findall(r"^COPY (\S+) ", block.text, re.MULTILINE):
        assert (world.place.folder / copied).exists(), copied


def as_the_smoke_test_prints(world: World, block: Block) -> None:
    """Every line begins as the script's own does; the table has its rows."""
    script = "".join((world.place.folder / f"scripts/deployment/{name}.py").read_text() for name in ("smoke", "page"))
    rows = [line for line in block.text.splitlines() if line.startswith(" ")]
    assert [row.split()[0] for row in rows] == [row.split()[0] for row in findings.table({}, {}, "")]
    for line in block.text.splitlines():
        beginning = line.replace(sample.NAME, "{sample.NAME}").split()[:2]
        assert line in rows or " ".join(beginning) in script, line


def as_the_hooks_print(world: World, block: Block) -> None:
    """What a line says, without its names and numbers, stands in a script."""
    scripts = "".join(path.read_text() for path in (world.place.folder / "scripts/deployment").glob("*.py"))
    for line in block.text.splitlines():
        parts = re.split(
            r"blobsight-func-[\w-]+|\(\w+\)|\(?[0-9]+ (?:of [0-9]+ )?s\)?|[0-9]+ (?=MB)|'images'"
            r"|AnalyzeOnUpload|StorageEvents|: |; ",
            line,
        )
        assert [part for part in parts if part.strip(" .") not in scripts] == [], line


def as_an_event_subscription(world: World, block: Block) -> None:
    """What one makes by hand is what the deployment makes, but for the address: an app elsewhere has webhooks only."""
    kind = next(each for each in event_subscriptions.KINDS if block.above.startswith(f"`{HAND_MADE[each.suffix]}`"))
    shown = json.loads(block.text)
    url = shown["properties"]["destination"]["properties"]["endpointUrl"]
    assert shown == event_subscriptions.body(kind, event_subscriptions.to_webhook(url), "HOST")
    if kind is event_subscriptions.UPLOADS:
        assert url == event_subscriptions.endpoint("https://ADDRESS", "BLOBS_KEY")
    else:
        assert url.startswith(f"https://ADDRESS/runtime/webhooks/EventGrid?functionName={kind.function}&code=")


def as_typed_to_azure(world: World, block: Block) -> None:
    """Nothing is sent to Azure: what a command sets is a parameter of the deployment."""
    parameters = (world.place.folder / "infra" / "main.parameters.json").read_text()
    for command in block.commands:
        if found := re.match(r"azd env set (\w+) \S+$", command.text):
            assert f"${{{found[1]}=" in parameters, command.text
        if found := re.search(r"@(examples/search/\S+) 'https://[^/]+/\w+/([^?]+)", command.text):
            assert json.loads((world.place.folder / found[1]).read_text())["name"] == found[2]


def with_new_files(world: World, block: Block) -> None:
    """The block of a client, in its language, with files that the app has never seen."""
    client_blocks.put_new_files(world)
    {
        "console": in_a_terminal,
        "python": as_python,
        "powershell": client_blocks.run_powershell,
        "http": client_blocks.ask,
    }[block.kind](world, block)


def as_output_of_python(world: World, block: Block) -> None:
    assert block.shown_by is not None
    if block.shown_by not in world.printed:
        (with_new_files if of_a_client(block.shown_by) else as_python)(world, block.shown_by)
    assert as_shown(world.printed[block.shown_by], block.text) == block.text


def as_a_line_of_the_log(world: World, block: Block) -> None:
    log = (world.stack.state / "logs" / "host.log").read_text()
    assert {form(line) for line in block.text.splitlines()} <= {form(line) for line in log.splitlines()}


def as_what_witnesses_say(world: World, block: Block) -> None:
    """Each name is that of a witness whose tests are there; what it counts changes with every test."""
    tests = "".join(path.read_text() for path in (world.place.folder / "tests").rglob("*.py"))
    for line in block.text.splitlines():
        name = re.sub(r"(contract of v3.2, | \(.*\)$|[\d.]+$)", "", line.partition(":")[0]).strip()
        assert name in tests, line


def as_a_refused_start(world: World, block: Block) -> None:
    """A second `make start` with the same state, or with the same ports."""
    same_state = "is in use by" in block.text
    port = five_free_ports() if same_state else world.place.port
    command = [sys.executable, "-m", "local", "start", "--port", str(port)]
    command += [] if same_state else ["--state", str(world.folder / "refused")]
    typed = environment(BLOBSIGHT_MAKE="1")
    done = subprocess.run(command, cwd=world.place.folder, env=typed, capture_output=True, text=True, timeout=60)
    assert (done.returncode, form(done.stderr)) == (1, form(block.text))


def as_a_record(world: World, block: Block) -> None:
    """Parsed, and compared with the record that the text above names; an outage or a request makes some of them."""
    [(container, name)] = RECORD.findall(block.above)
    if container == "unfinished":
        world.control("PUT", "faults", status={"503": 1})
        world.stack.upload(name.partition("/")[2].removesuffix(".json"), picture("PNG", colour=(1, 2, 3)))
    correction = f"/api/corrections/{name.removesuffix('.json')}"
    if container == "corrections":
        said = {member: value for member, value in json.loads(block.text).items() if member not in ("source", "at")}
        assert call(world.stack.addresses.port, "PUT", correction, json.dumps(said).encode()).status == 200
    with world.stack.storage() as storage:
        blob = storage.get_blob_client(container, name)
        wait_until(blob.exists)
        assert_same_members(json.loads(block.text), json.loads(blob.download_blob().readall()))
    if container == "corrections":
        # Other pages show the image without it.
        assert call(world.stack.addresses.port, "DELETE", correction).status == 200


def as_settings(world: World, block: Block) -> None:
    """All that an app needs, and nothing that it refuses."""
    assert Settings.from_env(dict(line.split("=", 1) for line in block.text.splitlines()))


def as_a_query(world: World, block: Block) -> None:
    """Against Azure it cannot be run here: every name in it is looked up."""
    assert kql.problems(block.text) == []


def typed_to_azure(block: Block) -> bool:
    texts = [command.text for command in block.commands]
    return block.kind == "console" and bool(texts) and all(AZURE.fullmatch(text) for text in texts)


def of_a_client(block: Block) -> bool:
    """Whether it is one of the page on other services, in a language that is run."""
    return block.page == CLIENTS and block.kind in client_blocks.LANGUAGES


class Way(NamedTuple):
    """How blocks are run: which ones it takes, and what runs them."""

    takes: Callable[[Block], bool]
    run: Callable[[World, Block], None]


def console(*words: str) -> Callable[[Block], bool]:
    return lambda block: block.kind == "console" and all(word in block.text for word in words)


def known_commands(block: Block) -> bool:
    texts = [command.text for command in block.commands]
    return block.kind == "console" and bool(texts) and all(KNOWN.match(t) and not STAYS.match(t) for t in texts)


# The first one that takes a block runs it.
PLANNED = Way(lambda block: console("$ make test")(block) or console("-m pytest")(block), planned)
FUNCTION = Way(lambda block: block.kind == "python" and "func.QueueMessage" in block.text, as_a_function_folder)
WAYS = (
    PLANNED,
    Way(console("git clone", "make start"), started_the_stack),
    Way(console("--enable-auth"), with_keys),
    Way(console("let-me-see"), with_a_health_key_in_an_outage),
    Way(console("problem:vision_unauthorized"), with_a_refused_key),
    Way(
        lambda block: console("202 Accepted", "/api/thumbnail/")(block) and "hold" not in block.text,
        with_somebody_else_asking,
    ),
    Way(console("python -m local doctor"), before_a_start),
    Way(console("add their-photo.jpg"), with_a_photo_of_theirs),
    Way(console("remove their-photo.jpg"), with_a_photo_of_theirs_there),
    Way(console("add photos"), with_a_folder_of_photos),
    Way(console("python examples/"), as_programs_of_the_examples),
    Way(of_a_client, with_new_files),
    Way(typed_to_azure, as_typed_to_azure),
    Way(known_commands, in_a_terminal),
    Way(
        lambda block: block.kind == "json" and '"deadLetterWithResourceIdentity"' in block.text,
        as_an_event_subscription,
    ),
    Way(lambda block: block.kind == "dockerfile", as_a_dockerfile),
    Way(lambda block: block.kind == "text" and block.text.startswith("The app is at "), as_the_smoke_test_prints),
    Way(lambda block: block.kind == "text" and block.text.startswith("This environment makes "), as_the_hooks_print),
    FUNCTION,
    Way(as_bindings, with_its_function),
    Way(lambda block: block.kind == "python" and "services.replaced" in block.text, as_python_with_doubles),
    Way(lambda block: block.kind == "python", as_python),
    Way(
        lambda block: block.kind == "text" and block.shown_by is not None and block.shown_by.kind == "python",
        as_output_of_python,
    ),
    Way(lambda block: block.kind == "text" and block.text.startswith("start: "), as_a_refused_start),
    Way(lambda block: block.kind == "text" and block.text.startswith("contract of v3.2"), as_what_witnesses_say),
    Way(lambda block: block.kind == "text" and bool(re.match(r"\d{4}-\d\d-\d\d ", block.text)), as_a_line_of_the_log),
    Way(lambda block: block.kind == "text" and block.text.startswith("VISION_ENDPOINT="), as_settings),
    Way(lambda block: block.kind == "kusto", as_a_query),
    Way(lambda block: block.kind == "json" and len(RECORD.findall(block.above)) == 1, as_a_record),
)
BLOCKS = [block for page in PAGES for block in blocks(page)]
RUN = [block for block in BLOCKS if block.mark is None]


def way_of(block: Block) -> Way | None:
    return next((way for way in WAYS if way.takes(block)), None)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("examples")
    place = Place(folder / "blobsight", five_free_ports(), publish(folder / "repository"))
    stack = TypedStack(Addresses(place.port), place.folder / ".blobsight")
    beginning = next(block for block in blocks("README.md") if console("git clone", "make start")(block))
    with ExitStack() as at_end:
        # What the pages show was answered with the models that set-up made.
        at_end.enter_context(pytest.MonkeyPatch.context()).delenv("MODELS")
        at_end.callback(stack.press_ctrl_c)
        commands = [place.here(command.text) for command in beginning.commands]
        stack.type_in(folder, *commands, until="Ctrl-C stops everything")
        place.web = at_end.enter_context(serving([place.folder / "samples", stack.state / "samples"]))
        with stack.storage() as storage:
            image_type = ContentSettings(content_type="image/jpeg")
            storage.get_blob_client("images", "notes.jpg").upload_blob(b"hello\n", content_settings=image_type)
        assert stack.wait_for("notes.jpg")["notes.jpg"].state == "failed"
        yield World(place, stack, folder)


def test_every_block_of_every_page_is_run_in_some_way_or_left_out_for_a_written_reason() -> None:
    assert {block.page for block in BLOCKS} >= {"README.md", "CONTRIBUTING.md", "docs/http-api.md", "docs/migrating.md"}
    assert [str(block) for block in RUN if way_of(block) is None] == []
    assert [str(block) for block in BLOCKS if block.mark is not None and not LEFT_OUT.get(block.mark)] == []


def test_each_language_of_the_page_on_clients_asks_for_the_same() -> None:
    sections = list(client_blocks.sections(CLIENTS))
    assert len(sections) >= 4
    for section in sections:
        asked = {
            kind: [path for block in section if block.kind == kind for path in client_blocks.asked(block.text)]
            for kind in client_blocks.LANGUAGES
        }
        assert [asked[kind] for kind in client_blocks.LANGUAGES] == [asked["console"]] * 4, asked


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("yaml", "a: 1"),
        ("", "a"),
        ("json", "{}"),
        ("text", "a"),
        ("console", "az login"),
        ("console", "$ az login"),
        ("console", "$ azd env set BLOBSIGHT_PYTHON"),
        ("console", "$ curl -s http://localhost:7071/api/health\n$ rm -r samples"),
        ("console", "$ python -m local events"),
    ],
)
def test_no_way_takes_a_block_that_it_cannot_run(kind: str, text: str) -> None:
    assert way_of(Block("docs/page.md", 1, kind, f"{text}\n")) is None


@pytest.mark.parametrize("block", [block for block in RUN if way_of(block) is not PLANNED], ids=str)
def test_a_block_works_and_answers_as_the_page_shows(world: World, block: Block) -> None:
    way = way_of(block)
    assert way is not None
    with world.left_as_found():
        way.run(world, block)


@pytest.mark.parametrize("block", [block for block in RUN if way_of(block) is PLANNED], ids=str)
def test_a_command_that_would_run_these_tests_again_is_only_planned(world: World, block: Block) -> None:
    planned(world, block)
