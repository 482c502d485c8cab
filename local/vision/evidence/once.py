"""A property that is worked out once for each object."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

Value = TypeVar("Value")


class once(Generic[Value]):  # noqa: N801 - a decorator
    """
    As functools.cached_property is from Python 3.12 on; before, one lock keeps the other objects waiting.

    So two pictures are looked at beside each other. Two threads at one object may both work its value out.
    """

    def __init__(self, work_out: Callable[[Any], Value]) -> None:
        self._work_out = work_out
        self.__doc__ = work_out.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        """Keep the value under the property's own name, where Python finds it before this."""
        self._name = name

    def __get__(self, instance: object, owner: type | None = None) -> Value:
        """Return the value of *instance*."""
        value = instance.__dict__[self._name] = self._work_out(instance)
        return value
