"""The model's side of what a courier posts: arrivals and settlements. See `model`."""

from __future__ import annotations

from collections.abc import Iterable

from protocol.money import AMOUNT_MAX

from .crossing import Arrival, Mending, Settlement
from .lanes import LEG_WINDOW, InLane, OutLane
from .legs import LegKind, OutLeg, pack_leg, read_leg
from .model import Account
from .model_fields import Refused, Result
from .model_offers import OfferBooks
from .model_pairs import Verdict
from .posts import Post
from .records import FROZEN, ISSUER
from .status import Status
from .waiting import Ending, as_waiting


class Model(OfferBooks):
    """The whole ledger: all partitions, and the lanes between them."""

    def apply(self, posts: Iterable[Post], at: int) -> list[int | Result]:
        """Apply `posts` in order at `at` ms; the answer is that of ``teller_post``."""
        self.fields.begin()
        return [at, *(self._apply(post, at) for post in posts)]

    def _apply(self, post: Post, at: int) -> Result:
        if isinstance(post.extra, Arrival):
            return self._arrive(post, post.extra, at)
        if isinstance(post.extra, Settlement):
            return self._settle(post, post.extra, at)
        if isinstance(post.extra, Mending):
            return self._mend(post, post.extra, at)
        if isinstance(post.extra, Ending):
            return self.end_waiting(post, post.extra, at)
        return self.apply_one(post, at)

    def _arrive(self, post: Post, come: Arrival, at: int) -> Result:
        lane = self.lanes_in.get(come.end.lane, InLane())
        if come.seq <= lane.last:
            if come.at > lane.at:
                return [Status.LANE_FORKED, b"%d" % lane.last]
            return [Status.DUPLICATE, b"1" if come.seq in lane.refused else b"0"]
        if come.seq > min(lane.last + 1, come.floor + LEG_WINDOW):
            return [Status.LANE_GAP, b"%d" % lane.last]
        if come.behind > lane.at:
            return [Status.LANE_FORKED, b"%d" % lane.last]
        self.lanes_in[come.end.lane] = lane
        lane.last, lane.at = come.seq, max(lane.at, come.at)
        lane.refused = [seq for seq in lane.refused if seq > come.floor]
        self._carry(lane, come.leg.currency, come.leg.amount)
        try:
            verdict = self._check_leg(post, come, at)
        except Refused as refused:
            return self._refuse(post, come, lane, Status(int(refused.result[0])), at)
        return self._accept(post, come, verdict, at)

    def _check_leg(self, post: Post, come: Arrival, at: int) -> Verdict:
        if come.leg.kind not in (LegKind.JOIN, LegKind.LEAVE):
            self._check_parties(post)
            self._check_rights(post, at)
        self.fields.check(post.conditions, at, post.members)
        verdict = self._judge_pair(post)
        if come.leg.kind != LegKind.RETURN:
            self._check_recipient(post)
        if come.leg.amount:
            assert post.to is not None
            payee = self.accounts[post.to.record]
            has = payee.holding(come.leg.currency)
            if payee.has(FROZEN) and come.leg.kind != LegKind.RETURN:
                raise Refused(Status.PARTY_FROZEN)
            if has.available + has.held + come.leg.amount > AMOUNT_MAX:
                raise Refused(Status.BALANCE_OVERFLOW)
        return verdict

    def _accept(self, post: Post, come: Arrival, verdict: Verdict, at: int) -> Result:
        leg = come.leg
        status = self.pairs.settle(post, verdict, at)
        waits = status == Status.WAITING
        if waits:
            self.lanes_in[come.end.lane].refused.append(come.seq)
        seqs: list[int] = []
        if leg.kind in (LegKind.JOIN, LegKind.LEAVE):
            with_it = leg.kind == LegKind.JOIN
            self.fields.enlist(come.joined, leg.room.encode(), with_it=with_it)
        else:
            body = as_waiting(post.body) if waits else post.body
            seqs = [self._append(post.boxes[0], b"%013d" % at + body)]
        balance: list[int] = []
        if leg.amount:
            assert post.to is not None
            balance = self.accounts[post.to.record].change(leg.currency, leg.amount, waits)
        self.fields.change(post.changes, seqs, at)
        return [status, *seqs, *balance]

    def _refuse(self, post: Post, come: Arrival, lane: InLane, code: Status, at: int) -> Result:
        leg = come.leg
        if leg.kind < LegKind.JOIN:
            lane.refused.append(come.seq)
            back = LegKind.RETURN, leg.who, leg.to, leg.id, leg.amount, leg.currency
            returned = type(leg)(*back, code=code)
            lane_back = come.end.back, come.end.back_outbox
            self._send(OutLeg("", *lane_back, returned, pack_leg(returned)), at)
            return [Status.RETURNED, b"%d" % code]
        if not leg.amount:
            return [Status.SUSPENSE]
        suspense = self.accounts.setdefault(come.end.suspense, Account())
        suspense.change(leg.currency, leg.amount)
        entry = b"%013d" % at + come.suspended
        self._append(come.end.suspense_box, entry)
        assert post.to is not None
        if post.to.record not in self.accounts:
            return [Status.SUSPENSE]
        return [Status.SUSPENSE, b"%d" % self._append(post.boxes[0], entry)]

    def _settle(self, post: Post, settled: Settlement, at: int) -> Result:
        lane = self.lanes_out.get(settled.lane, OutLane())
        if settled.after != lane.done or not lane.done <= settled.done <= lane.sent:
            return [Status.LANE_MOVED, b"%d" % lane.done]
        if settled.done > lane.done:
            leg = self.outboxes[settled.outbox][settled.done - lane.first]
            if read_leg(leg)[0] != settled.at:
                return [Status.LANE_FORKED, b"%d" % lane.done]
        self.lanes_out[settled.lane] = lane
        lane.done = settled.done
        first = max(lane.first, lane.done - settled.keep + 1)
        del self.outboxes.setdefault(settled.outbox, [])[: first - lane.first]
        lane.first = first
        entries = zip(post.boxes, settled.bodies, strict=True)
        seqs = [self._append(box, b"%013d" % at + body) for box, body in entries]
        return [Status.OK, *seqs]

    def _mend(self, post: Post, mend: Mending, at: int) -> Result:
        assert post.to is not None
        owes = bool(mend.outbox)
        out = self.lanes_out.get(mend.lane, OutLane())
        arrived = self.lanes_in.get(mend.lane, InLane())
        last = out.done if owes else arrived.last
        if mend.before != last or mend.number <= last:
            return [Status.LANE_MOVED, b"%d" % last]
        account = self.accounts.get(post.to.record, Account(ISSUER if owes else 0))
        if _overflows(account, mend, owes):
            return [Status.BALANCE_OVERFLOW]
        self.accounts[post.to.record] = account
        if owes:
            self.lanes_out[mend.lane] = out
            del self.outboxes.setdefault(mend.outbox, [])[: out.done - out.first + 1]
            out.sent += mend.number - out.done
            out.done, out.first = mend.number, mend.number + 1
        else:
            self.lanes_in[mend.lane] = arrived
            arrived.last = mend.number
        seq = 0
        for entry, body in zip(mend.corrections, mend.bodies, strict=True):
            if entry.money:
                amount, currency = entry.money
                self._carry(out if owes else arrived, currency, amount)
                account.change(currency, -amount if owes else amount)
            seq = self._append(post.boxes[0], b"%013d" % at + body)
        return [Status.OK, seq]


def _overflows(account: Account, mend: Mending, owes: bool) -> bool:
    """Whether the account cannot hold the corrections."""
    sums: dict[str, int] = {}
    for amount, currency in filter(None, (entry.money for entry in mend.corrections)):
        sums[currency] = sums.get(currency, 0) + amount
    for currency, total in sums.items():
        has = account.holding(currency).available
        if abs(has - total if owes else has + total) > AMOUNT_MAX:
            return True
    return False
