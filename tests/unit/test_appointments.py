"""Real processes on a real Azurite: they share one pace, and lose no caller."""

import itertools
import json
import subprocess
import sys
import uuid
from pathlib import Path

from doubles.azurite import Azurite

ROOT = Path(__file__).resolve().parents[2]
PROCESSES, THREADS, CALLS = 3, 4, 5
CALLS_A_SECOND = 20
# Each caller of each process goes through the gate, and writes down when it was let go.
SCRIPT = """
import json, sys, threading
from shared.gate import Gate
from shared.ledger import Rate
from shared.quota import Quota
from shared.retry import Deadline, SystemClock
from shared.storage import BlobStore

connection, name, threads, calls, rate = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
clock = SystemClock()
taken = []

class Watched(Quota):
    def reserve(self, asks):
        grant = super().reserve(asks)
        offset = clock.utc().timestamp() - clock.now()
        taken.extend(slot.at + offset for slot in grant.slots)
        return grant

gate = Gate(clock, Watched(BlobStore(connection), name, Rate(rate, 1.0), clock))
done = []

def work():
    for _ in range(calls):
        visit = gate.visit(Deadline.after(60, clock), paid=True)
        visit.enter()
        visit.billed = 1
        visit.leave(None)
        done.append(1)

workers = [threading.Thread(target=work) for _ in range(threads)]
for worker in workers: worker.start()
for worker in workers: worker.join()
gate.visit(Deadline.after(60, clock), paid=False).enter()  # so that the last corrections are written
print(json.dumps({"taken": taken, "done": len(done)}))
"""


def test_processes_take_turns_at_one_pace_and_lose_nobody(azurite: Azurite) -> None:
    name = f"{uuid.uuid4().hex}.json"
    arguments = [azurite.connection_string, name, str(THREADS), str(CALLS), str(CALLS_A_SECOND)]
    running = [
        subprocess.Popen([sys.executable, "-c", SCRIPT, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for _ in range(PROCESSES)
    ]
    found = [json.loads(process.communicate(timeout=100)[0]) for process in running]
    assert [process.returncode for process in running] == [0] * PROCESSES
    assert [each["done"] for each in found] == [THREADS * CALLS] * PROCESSES
    taken = sorted(at for each in found for at in each["taken"])
    assert len(taken) >= PROCESSES * (THREADS * CALLS + 1)
    # The two clocks of a process are read one after the other, on a busy machine.
    closest = min(after - before for before, after in itertools.pairwise(taken))
    assert closest >= 0.8 / CALLS_A_SECOND

    from shared.ledger import Ledger
    from shared.storage import BlobStore

    blob = BlobStore(azurite.connection_string).read("quota", name)
    assert blob is not None
    assert Ledger.of_json(blob.data).paid_of_day == PROCESSES * THREADS * CALLS
