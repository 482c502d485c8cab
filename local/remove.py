"""The command `remove`: delete images from the running stack's container."""

import argparse
import difflib
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError
from azure.storage.blob import ContainerClient

from local.addresses import Addresses, add_stack_options
from local.app import IMAGES
from local.errors import INTERRUPTED, LocalError
from local.printable import printable
from local.stack.state_lock import stack_port
from local.upload import StorageSilentError
from local.wording import program


def main(argv: list[str]) -> int:
    """Remove images; returns 0 when all are removed, 1 when one is not, 130 when Ctrl-C came before the last."""
    options = _parser().parse_args(argv)
    names = list(dict.fromkeys(options.names))
    removed: list[str] = []
    try:
        with Images(Addresses(stack_port(options.port, options.state)).connection_string) as images:
            _remove(images, names, removed)
    except LocalError as error:
        _tell_error(error)
    except KeyboardInterrupt:
        print(f"remove: stopped: {len(removed)} of {len(names)} removed", file=sys.stderr)
        return INTERRUPTED
    finally:
        _tell_sum(len(removed))
    return 0 if len(removed) == len(names) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"{program()} remove",
        description="Delete images from the running stack. The app then deletes their records, within seconds.",
    )
    parser.add_argument("names", nargs="+", metavar="NAME", help="an image's name in the container, with its slashes")
    add_stack_options(parser)
    return parser


def _remove(images: "Images", names: Sequence[str], removed: list[str]) -> None:
    """Remove one after the other, and add those that are gone to *removed*."""
    for name in names:
        try:
            images.remove(name)
        except StorageSilentError:
            raise
        except LocalError as error:
            _tell_error(error)
        else:
            removed.append(name)
            print(f"{printable(name)}: removed", flush=True)


def _tell_sum(count: int) -> None:
    if count:
        its = "Its" if count == 1 else "Their"
        print(
            f"{count} removed. {its} records go within seconds, and the answers paid for {its.lower()} bytes after "
            "FORGET_AFTER_HOURS, unless another image has the same.",
            flush=True,
        )


def _tell_error(error: LocalError) -> None:
    print(f"remove: {printable(str(error))}", file=sys.stderr)


class Images:
    """The watched container, open until the end of the `with` block."""

    def __init__(self, connection_string: str) -> None:
        self._container = ContainerClient.from_connection_string(connection_string, IMAGES, retry_total=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._container.close()

    def remove(self, name: str) -> None:
        """
        Delete the image *name* with its snapshots.

        Raises LocalError when there is none, which tells the nearest name that is there, and when storage refuses it;
        StorageSilentError when storage does not answer at all.
        """
        try:
            if self._is_deleted(name):
                return
            nearest = _nearest(name, list(self._container.list_blob_names()))
        except HttpResponseError as error:
            raise LocalError(f"{name} was not removed: storage answered: {error.message.splitlines()[0]}") from error
        except AzureError as error:
            raise StorageSilentError(f"{name} was not removed: storage gives no answer (see azurite.log)") from error
        hint = f"the nearest name is {nearest}" if nearest else "GET /api/images lists those that are there"
        raise LocalError(f"there is no image {name}; {hint}")

    def _is_deleted(self, name: str) -> bool:
        if not _is_address(name):
            return False
        try:
            self._container.delete_blob(name, delete_snapshots="include")
        except ResourceNotFoundError:
            return False
        return True


def _is_address(name: str) -> bool:
    """Whether a request for *name* reaches it: HTTP clients resolve `.` and `..`, and would delete another blob."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return bool(name) and not {".", ".."} & set(name.split("/"))


def _nearest(name: str, present: Sequence[str]) -> str | None:
    """Return the image that was probably meant: the same file in a folder, or the name that is spelled most alike."""
    file = name.rpartition("/")[2]
    folded = {each.casefold(): each for each in present}
    alike = difflib.get_close_matches(name.casefold(), folded, n=1)
    return next(
        (each for each in present if each.rpartition("/")[2] == file != ""), folded[alike[0]] if alike else None
    )
