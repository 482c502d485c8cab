"""
A turn at the gate: one question's place in the queue, and what the gate keeps of it. No behaviour.
"""

import threading
from dataclasses import dataclass, field

from shared.clock import Deadline


@dataclass(eq=False)
class Turn:
    """
    One question at the gate, through all its attempts. For one thread.

    Attributes:
        number: its place; each further attempt keeps it.
        limit: the latest moment at which it may come.
        price: transactions that the call is expected to cost; 0 is a free one.
        described: how many of these are of the class of descriptions and text; the client sets it.
        background: its lane; True for work that can wait.
        key: the subject that other questions share: the address of a Read, which each of its polls asks. Else "".
        billed: transactions that the present attempt cost; the client sets it from the answer.
        billed_described, counted_described: the same as `billed` and `counted`, of that class alone.
        counted: transactions that the gate counted in advance; its price, once it has a slot.
        waits: whether it is in the queue (`shared.pace.fair_queue`).
        leads: set when it is the first.
        has_queued: whether an attempt was in the queue before.
        probing: whether it is the circuit breaker's probe (`shared.pace.obstacles`).
        failures: how often the service has failed it; with a key, how often in a row, by all questions with that key.
    """

    number: int
    limit: Deadline
    price: int
    background: bool = False
    key: str = ""
    described: int = 0
    billed: int = 0
    billed_described: int = 0
    # The gate's own, guarded by its lock.
    counted: int = 0
    counted_described: int = 0
    waits: bool = False
    leads: threading.Event = field(default_factory=threading.Event)
    has_queued: bool = False
    probing: bool = False
    failures: int = 0
