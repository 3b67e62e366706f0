"""`pay`: payments, beside messages, beside other ledgers, and beside the bare store."""

from __future__ import annotations

from contextlib import ExitStack

from .. import systems
from ..contest import contest, speed_ratio
from ..errors import BenchError
from ..limits import store
from ..outcome import Outcome
from ..peers import home
from ..peers.payments import PaymentSystem
from ..report import Row, ratio
from ..rounds import Contender
from ..stage import Stage, Stand
from .base import Scenario, conserved

SPREADS = ("uniform", "zipf", "hot")
"""Who is paid: anyone; few of them most of the time (Zipf 0.99); always the same one."""


PAYMENT = {"payment": 1}


def run(stage: Stage) -> Outcome:
    """Payments on one hub, to whom each of `SPREADS` says; in the same rounds messages on that
    hub, the same payments on ledgers beside it, and on the store without a hub."""
    with stage.hub() as stand, ExitStack() as stack:
        others = [*_store(stage, stand, stack), *_ledgers(stage, stack)]
        stand.enter(stage.sizes.connections)
        before = stand.generator.call("balances")
        ours = [stand.contender(f"pay {to}", kinds=PAYMENT, to=to) for to in SPREADS]
        ours.append(stand.contender("pay dm", kinds={"message": 1}, to="uniform"))
        half = ours if "pay" in stage.sizes.half else ()
        outcome = contest(stage, [*ours, *others], half=half)
        conserved(stage, stand, before, outcome)
    outcome.rows += _beside_each_other(*ours)
    return outcome


def _store(stage: Stage, stand: Stand, stack: ExitStack) -> list[Contender]:
    """The store alone, if it is our own and a closed loop is asked for; the accounts that it
    moves money between are nobody else's."""
    socket = stand.system.store_socket
    if socket is None or stage.load.rate is not None:
        return []
    people = stand.generator.call("enter", number=stage.sizes.connections, keep=False)["names"]
    client = stack.enter_context(store.client(socket))
    alone = systems.store_of(stand.system)
    systems.pin(alone, client.pid)
    return [
        Stand(alone, client).contender("pay uniform", people=people, kinds=PAYMENT, to="uniform")
    ]


def _ledgers(stage: Stage, stack: ExitStack) -> list[Contender]:
    """The peers that keep balances, each with a load program of its own."""
    found = []
    for peer in stage.peers_in("pay"):
        try:
            system = stack.enter_context(peer.start(home(peer.name)))
        except (BenchError, OSError) as error:
            stage.watch.skip(peer.name, f"pay: {error}")
            continue
        assert isinstance(system, PaymentSystem)
        found += [Contender(f"pay {to}", system, system.play, {"to": to}) for to in SPREADS]
    return found


def _beside_each_other(
    uniform: Contender, zipf: Contender, hot: Contender, message: Contender
) -> list[Row]:
    """Payments beside messages, and beside payments to others."""
    rows = ratio("server CPU per op ÷ dm", uniform, message, lambda r: r.cpu_us("server"))
    rows += ratio("store CPU per op ÷ dm", uniform, message, lambda r: r.cpu_us("store"))
    rows += ratio("system CPU per op ÷ dm", uniform, message, lambda r: r.cpu_us("server", "store"))
    for skewed in (zipf, hot):
        rows += speed_ratio("operations ÷ uniform", skewed, uniform, lambda r: r.rate)
    return rows


def steps(stage: Stage) -> int:
    """Rounds: payments, here and at the ledgers; messages; the store alone."""
    each = len(SPREADS) * (1 + len(stage.peers_in("pay"))) + 2
    half = len(SPREADS) + 1 if "pay" in stage.sizes.half else 0
    return stage.sizes.rounds * (each + half)


SCENARIO = Scenario(
    "pay",
    "payments to anyone, to a few (Zipf 0.99), to one; beside ledgers and the bare store",
    steps,
    run,
)
