"""The command line of `start`: which parts run, whose Computer Vision, and whether the samples are sent."""

import argparse
import shlex
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from local.addresses import AZURE_STATE, DEFAULT_PORT, DEFAULT_STATE, Addresses, add_stack_options, stack_words
from local.wording import is_of_make, program, start_command

PARTS = ("azurite", "vision", "host", "events")


@dataclass(frozen=True)
class Choice:
    """
    What was chosen.

    Attributes:
        state: the state folder, absolute.
        parts: those that are started.
        samples: whether the samples are sent.
        once: whether everything stops after them.
        own_service: whether Computer Vision is the developer's own, in Azure.
        for_debugger: whether a host is to be started beside, which then belongs to the stack.
    """

    addresses: Addresses
    state: Path
    parts: frozenset[str]
    samples: bool
    once: bool
    enable_auth: bool
    own_service: bool
    for_debugger: bool

    @property
    def has_app(self) -> bool:
        """Whether there is an app to be asked."""
        return "host" in self.parts

    @property
    def words(self) -> str:
        """The option by which other commands find this stack, with a space at the end; none for the usual folder."""
        return "".join(f"{shlex.quote(word)} " for word in stack_words(None, self.state))


def parse(argv: list[str]) -> Choice:
    """Read the command line; ends the process with status 2 for one that makes no sense."""
    parser = _parser()
    options = parser.parse_args(argv)
    own_service = options.vision == "azure"
    whole = {*PARTS} - ({"vision"} if own_service else set())
    parts = options.only or whole - ({"host"} if options.no_host else set())
    if complaint := _complaint(options, parts, is_whole=parts == whole):
        parser.error(complaint)
    return Choice(
        addresses=Addresses(options.port),
        state=(options.state or (AZURE_STATE if own_service else DEFAULT_STATE)).resolve(),
        parts=frozenset(parts),
        samples=parts == whole and (options.samples if own_service else not options.no_samples),
        once=options.once,
        enable_auth=options.enable_auth,
        own_service=own_service,
        for_debugger=options.no_host,
    )


def _complaint(options: argparse.Namespace, parts: Collection[str], *, is_whole: bool) -> str | None:
    """Return what makes no sense in the options together; None if all does."""
    own_service = options.vision == "azure"
    if options.only and (options.no_host or (own_service and "vision" in options.only)):
        return "--only names the parts that run: leave out --no-host, and `vision` with --vision azure"
    if options.enable_auth and "host" not in parts:
        return f"--enable-auth is for the host, which is left out: give it to `{program()} host`"
    if (options.samples or options.once) and not is_whole:
        return "--samples and --once need every part: leave out --only and --no-host"
    if options.samples and options.no_samples:
        return "--samples and --no-samples contradict each other"
    if own_service and options.once and not options.samples:
        once, samples = ("make demo", "SAMPLES=yes") if is_of_make() else ("--once", "--samples")
        told = f"`{start_command(vision='azure')}` says what they cost"
        return f"{once} sends the samples, which your own service bills: add {samples}. {told}"
    return None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"{program()} start", description="Start the whole stack, process the samples, stay until Ctrl-C."
    )
    add_stack_options(parser, port=DEFAULT_PORT)
    parser.set_defaults(state=None)
    extent = parser.add_mutually_exclusive_group()
    extent.add_argument(
        "--once",
        action="store_true",
        help="stop after the samples; exit 0 only if every one has every record that applies to it",
    )
    extent.add_argument("--no-samples", action="store_true", help="upload nothing, and stay until Ctrl-C")
    extent.add_argument(
        "--no-host",
        action="store_true",
        help="leave out the host, for a debugger to start with `python -m local host --in-stack`; uploads nothing",
    )
    parser.add_argument(
        "--only",
        type=_parts,
        metavar="PART[,PART...]",
        help=f"start these parts only, of {', '.join(PARTS)}; uploads nothing unless all are there",
    )
    parser.add_argument(
        "--vision",
        choices=("local", "azure"),
        default="local",
        help="whose Computer Vision: the local one, or your own service of VISION_ENDPOINT, whose calls are paid; "
        "its state is kept apart, in .blobsight-azure (default: %(default)s)",
    )
    parser.add_argument("--samples", action="store_true", help="send the samples to your own service too")
    parser.add_argument("--enable-auth", action="store_true", help="check function keys, as Azure does")
    return parser


def _parts(text: str) -> set[str]:
    chosen = {part.strip() for part in text.split(",")}
    if unknown := chosen - {*PARTS}:
        named = ", ".join(map(repr, sorted(unknown)))
        raise argparse.ArgumentTypeError(f"{named} is no part of the stack: give some of {','.join(PARTS)}")
    return chosen
