"""The ledger's contract in plain Python: the oracle of the tests. Nothing else uses it.

It takes the same posts as the store, gives the same answers, and says key by key what the store
should then hold. It is written from the contract in ``lua/contract.lua``, not from its code. What a
courier posts is in `model_lanes`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from struct import pack

from protocol.money import AMOUNT_MAX

from .keys import AccountKeys, Keyspace
from .lanes import WRAP, InLane, OutLane
from .legs import OutLeg, stamped
from .model_fields import Fields, Refused, Result, check_voice
from .model_pairs import NOTHING, PairBooks, Verdict
from .posts import Kind, Mark, Mode, Post
from .records import CLOSED, FROZEN, ISSUER, SUSPENDED
from .status import Status
from .waiting import as_waiting

Value = bytes | list[bytes] | dict[bytes, bytes] | set[bytes]


@dataclass
class Holding:
    """What an account has of one currency, in minor units."""

    available: int = 0
    held: int = 0


@dataclass
class Account:
    """The record of a person, a room or a system account."""

    flags: int = 0
    version: int = 0
    holdings: dict[str, Holding] = field(default_factory=dict)

    def has(self, flag: int) -> bool:
        """Whether it has the flag; see `records`."""
        return bool(self.flags & flag)

    def holding(self, currency: str) -> Holding:
        """What it has of `currency`; nothing, for one that it never touched."""
        return self.holdings.get(currency, Holding())

    def change(self, currency: str, amount: int, waits: bool = False) -> list[int]:
        """Add `amount`, to what is held if it `waits`; answers available, held and version."""
        holding = self.holdings.setdefault(currency, Holding())
        if waits:
            holding.held += amount
        else:
            holding.available += amount
        self.version += 1
        return [holding.available, holding.held, self.version]

    def stored(self) -> bytes:
        """The record as the store keeps it."""
        head = pack(">B", self.flags) + pack(">Q", self.version)[1:]
        return head + b"".join(
            pack(">3sqQ", currency.encode(), holding.available, holding.held)
            for currency, holding in self.holdings.items()
        )


def _bytes(value: bytes | str | int) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def _mark(post: Post, seq: int, at: int, balances: list[int], waits: bool) -> bytes:
    """The duplicate mark of `post`, as the store keeps it."""
    money = bool(balances) and post.kind != Kind.REGISTER
    form = 0 if not money else 3 if waits else 1 if post.to else 2
    if post.kind == Kind.ASK:
        form = 4
    mark = post.digest + pack(">B", form) + pack(">Q", seq)[2:] + pack(">Q", at)[2:]
    if money:
        available, held, version = balances[:3]
        mark += pack(">qQ", available, held) + pack(">Q", version)[1:]
    return mark + post.box.encode()


class ModelBooks:
    """All partitions, with `$world` in each and nothing else; takes the posts of handlers."""

    def __init__(self, keyspace: Keyspace) -> None:
        self._keyspace = keyspace
        worlds = map(keyspace.world, range(keyspace.partitions))
        self.accounts = {world.record: Account(ISSUER) for world in worlds}
        self.lanes_out: dict[bytes, OutLane] = {}
        self.lanes_in: dict[bytes, InLane] = {}
        self.outboxes: dict[bytes, list[bytes]] = {}
        self.marks: dict[bytes, bytes] = {}
        self.boxes: dict[bytes, list[bytes]] = {}
        self.totals: dict[bytes, int] = {}
        self.secrets: dict[bytes, bytes] = {}
        self.fields = Fields()
        self.pairs = PairBooks(keyspace, self.fields)

    def sweep(self, marks: Iterable[bytes], before: int) -> int:
        """Delete those of `marks` that are of posts without money before `before` ms."""
        found = {key: Mark(self.marks[key]) for key in marks if key in self.marks}
        stale = [key for key, mark in found.items() if not mark.money and mark.at < before]
        for key in stale:
            del self.marks[key]
        return len(stale)

    def books(self, currencies: Iterable[str], partition: int = 0) -> list[list[bytes]]:
        """Currency, balance of `$world` and money in circulation, for each of `currencies`."""
        world = self.accounts[self._keyspace.world(partition).record]
        return [
            [
                _bytes(c),
                _bytes(world.holding(c).available),
                _bytes(self.totals.get(self._keyspace.total(c, partition), 0)),
            ]
            for c in currencies
        ]

    def contents(self) -> dict[bytes, Value]:
        """Every key that the store should hold, with its value."""
        keys: dict[bytes, Value] = {key: a.stored() for key, a in self.accounts.items()}
        keys |= {key: _bytes(total) for key, total in self.totals.items()}
        keys |= {key: lane.stored() for key, lane in self.lanes_out.items()}
        keys |= {key: lane.stored() for key, lane in self.lanes_in.items()}
        keys |= self.marks
        keys |= self.secrets
        keys |= self.pairs.scalars
        groups: Iterable[tuple[bytes, Value]] = (
            *self.boxes.items(),
            *self.outboxes.items(),
            *self.fields.hashes.items(),
            *self.fields.sets.items(),
        )
        return keys | {key: value for key, value in groups if value}

    def apply_one(self, post: Post, at: int) -> Result:
        """Apply `post` at `at` ms; the answer is its part of that of ``teller_post``."""
        try:
            verdict = self._check(post, at)
        except Refused as refused:
            return self._earlier(post, refused.result)
        if post.hint:
            return self._earlier(post, [])
        self._change_accounts(post)
        self._change_members(post)
        status = self.pairs.settle(post, verdict, at)
        waits = status == Status.WAITING
        entry = b"%013d" % at + (as_waiting(post.body) if waits else post.body)
        seqs = [self._append(box, entry) for box in post.boxes]
        balances = self._transfer(post, waits)
        self.fields.change(post.changes, seqs, at)
        self.marks[post.mark] = _mark(post, seqs[0] if seqs else 0, at, balances, waits)
        legs = [self._send(out, at, waits) for out in post.legs]
        return [status, *seqs, *balances, *legs]

    def _earlier(self, post: Post, here: Result) -> Result:
        """What was learned elsewhere, if it comes before what is wrong here."""
        if not post.hint or (here and int(here[0]) < post.hint):
            return here
        full = post.hint == Status.LIMIT_EXCEEDED and len(post.extra) > 2
        limit = [_bytes(post.extra[2])] if full else []
        return [post.hint, *limit]

    def _send(self, out: OutLeg, at: int, waits: bool = False) -> int:
        """Put a leg into its outbox; answers its number."""
        lane = self.lanes_out.setdefault(out.lane, OutLane())
        lane.sent += 1
        self._carry(lane, out.leg.currency, out.leg.amount)
        data = as_waiting(out.data) if waits else out.data
        self.outboxes.setdefault(out.outbox, []).append(stamped(at, data))
        return lane.sent

    def _carry(self, lane: OutLane | InLane, currency: str, amount: int) -> None:
        if amount:
            lane.sums[currency] = (lane.sums.get(currency, 0) + amount) % WRAP

    # --- checks, in order of precedence ---

    def _check(self, post: Post, at: int) -> Verdict:
        mark = self.marks.get(post.mark)
        if mark is not None:
            same = mark[:16] == post.digest
            raise Refused(Status.DUPLICATE if same else Status.ID_REUSED, mark)
        if post.old:
            raise Refused(Status.ID_TOO_OLD)
        self._check_parties(post)
        self._check_rights(post, at)
        self.fields.check(post.conditions, at, post.members)
        verdict = self._judge_pair(post)
        if post.kind in (Kind.CREATE, Kind.JOIN):
            joined, _, most = post.extra
            if joined and len(self.fields.sets.get(_bytes(joined), ())) >= int(most):
                raise Refused(Status.LIMIT_EXCEEDED, _bytes(most))
        if post.kind == Kind.FLAG:
            self._check_flag(post)
        elif post.amount:
            self._check_money(post)
        else:
            self._check_recipient(post)
        return verdict

    def _check_parties(self, post: Post) -> None:
        self._check_party(post.sender, Status.UNKNOWN_ACCOUNT, new=False)
        self._check_party(post.to, Status.UNKNOWN_ACCOUNT, new=post.kind == Kind.REGISTER)
        self._check_party(post.room, Status.UNKNOWN_ROOM, new=post.kind == Kind.CREATE)
        self._check_closed(post)
        if post.amount and post.sender == post.to:
            raise Refused(Status.SAME_ACCOUNT)

    def _check_closed(self, post: Post) -> None:
        """Nobody deals with an account that was closed; a marker may still be put into its box."""
        to = post.to if post.mode < Mode.MARKER else None
        for party in (post.sender, to):
            account = self.accounts.get(party.record) if party else None
            if account and account.has(CLOSED):
                raise Refused(Status.ACCOUNT_CLOSED)

    def _judge_pair(self, post: Post) -> Verdict:
        """Nobody is there any more to mind what only marks or takes back words for an account that
        was closed."""
        account = self.accounts.get(post.to.record) if post.to else None
        marks = Mode.MARKER <= post.mode <= Mode.AFTER
        return NOTHING if account and account.has(CLOSED) and marks else self.pairs.judge(post)

    def _check_recipient(self, post: Post) -> None:
        """Words reach nobody who is suspended; markers do."""
        account = self.accounts.get(post.to.record) if post.to else None
        if account and account.has(SUSPENDED) and post.mode < Mode.MARKER:
            raise Refused(Status.SUSPENDED)

    def _check_flag(self, post: Post) -> None:
        assert post.to is not None
        flag, on = post.extra
        account = self.accounts[post.to.record]
        if flag == CLOSED and on and any(h.available or h.held for h in account.holdings.values()):
            raise Refused(Status.NOT_EMPTY)

    def _check_party(self, party: AccountKeys | None, unknown: Status, *, new: bool) -> None:
        if party is None:
            return
        if new and party.record in self.accounts:
            raise Refused(Status.NAME_TAKEN)
        if not new and party.record not in self.accounts:
            raise Refused(unknown)

    def _check_rights(self, post: Post, at: int) -> None:
        if post.members is None:
            return
        role = self.fields.value(post.members.members, post.who)
        if post.kind in (Kind.CREATE, Kind.JOIN):
            if role is not None:
                raise Refused(Status.ALREADY_A_MEMBER)
        elif role is None:
            raise Refused(Status.NOT_A_MEMBER)
        elif post.kind != Kind.LEAVE and post.mode < Mode.MARKER:
            check_voice(role, at)

    def _check_money(self, post: Post) -> None:
        payer = self._payer(post)
        payee = self._payee(post) if post.to else Account()  # whose partition will say
        if payer.has(SUSPENDED) or payee.has(SUSPENDED):
            raise Refused(Status.SUSPENDED)
        if payer.has(FROZEN):
            raise Refused(Status.ACCOUNT_FROZEN)
        if payee.has(FROZEN):
            raise Refused(Status.PARTY_FROZEN)
        if not post.currency:
            raise Refused(Status.CURRENCY_UNKNOWN)
        if not 1 <= post.amount <= AMOUNT_MAX:
            raise Refused(Status.CORRUPT)
        has, gets = payer.holding(post.currency), payee.holding(post.currency)
        if gets.available + gets.held + post.amount > AMOUNT_MAX:
            raise Refused(Status.BALANCE_OVERFLOW)
        if payer.has(ISSUER) and has.available - post.amount < -AMOUNT_MAX:
            raise Refused(Status.BALANCE_OVERFLOW)
        if not payer.has(ISSUER) and has.available < post.amount:
            raise Refused(Status.INSUFFICIENT_FUNDS, _bytes(has.available))

    # --- effects ---

    def _payer(self, post: Post) -> Account:
        assert post.sender is not None
        return self.accounts[post.sender.record]

    def _payee(self, post: Post) -> Account:
        assert post.to is not None
        if post.kind == Kind.REGISTER:
            return self.accounts.get(post.to.record, Account())
        return self.accounts[post.to.record]

    def _change_accounts(self, post: Post) -> None:
        if post.kind == Kind.CREATE and post.room:
            self.accounts[post.room.record] = Account()
        elif post.kind == Kind.REGISTER and post.to:
            secret, value, tokens, token, about = map(_bytes, post.extra)
            self.accounts[post.to.record] = Account()
            self.secrets[secret] = value
            self.fields.put(tokens, token, about)
        elif post.kind == Kind.FLAG and post.to:
            flag, on = post.extra
            account = self.accounts[post.to.record]
            account.flags = account.flags | flag if on else account.flags & ~flag

    def _change_members(self, post: Post) -> None:
        if post.members is None or post.kind not in (Kind.CREATE, Kind.JOIN, Kind.LEAVE):
            return
        role = {Kind.CREATE: b"owner", Kind.JOIN: b"member", Kind.LEAVE: None}[post.kind]
        self.fields.put(post.members.members, post.who.encode(), role)
        if post.extra[0]:
            joined, room = map(_bytes, post.extra[:2])
            self.fields.enlist(joined, room, with_it=post.kind != Kind.LEAVE)

    def _append(self, box: bytes, entry: bytes) -> int:
        entries = self.boxes.setdefault(box, [])
        entries.append(entry)
        return len(entries)

    def _transfer(self, post: Post, waits: bool) -> list[int]:
        if not post.amount:
            return []
        payer = self._payer(post)
        if post.to is None:
            return payer.change(post.currency, -post.amount)
        payee = self._payee(post)
        if payer.has(ISSUER):
            self.totals[post.total] = self.totals.get(post.total, 0) + post.amount
        return [
            *payer.change(post.currency, -post.amount),
            *payee.change(post.currency, post.amount, waits),
        ]
