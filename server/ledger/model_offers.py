"""The model's side of money that waits: taken, or given back. See `model`, ``lua/offers.lua``."""

from __future__ import annotations

from protocol.money import AMOUNT_MAX

from .model import Account, ModelBooks
from .model_fields import Refused, Result
from .posts import Kind, Post
from .records import CLOSED
from .status import Status
from .waiting import Ending, parse_offer


class OfferBooks(ModelBooks):
    """What ends the waiting."""

    def end_waiting(self, post: Post, end: Ending, at: int) -> Result:
        """A TAKE or a GIVE_BACK."""
        try:
            self._check_offer(post, end, at)
        except Refused as refused:
            return refused.result
        payee = self._payee(post)
        payee.holdings[post.currency].held -= post.amount
        self.fields.put(self._offers(post), self._field(post, end), None)
        entry = b"%013d" % at + post.body
        if post.kind == Kind.GIVE_BACK and post.sender is not None:
            return self._give_back_here(post, end, entry, at)
        seqs = [self._append(box, entry) for box in post.boxes]
        gained = post.amount if post.kind == Kind.TAKE else 0
        balance = payee.change(post.currency, gained)
        legs = [self._send(out, at) for out in post.legs]
        return [Status.OK, *seqs, *balance, *legs]

    def _give_back_here(self, post: Post, end: Ending, entry: bytes, at: int) -> Result:
        payer = self._payer_who_can(post)
        if payer is not None:
            seqs = [self._append(box, entry) for box in post.boxes]
            balances = payer.change(post.currency, post.amount)
            return [Status.OK, *seqs, *balances, *self._payee(post).change(post.currency, 0)]
        assert end.suspense is not None
        vault = self.accounts.setdefault(end.suspense.record, Account())
        vault.change(post.currency, post.amount)
        self._payee(post).change(post.currency, 0)
        suspended = b"%013d" % at + end.suspended
        self._append(end.suspense.box, suspended)
        self._append(post.boxes[0], entry)
        return [Status.SUSPENSE, b"%d" % self._append(post.boxes[1], suspended)]

    def _payer_who_can(self, post: Post) -> Account | None:
        assert post.sender is not None
        payer = self.accounts.get(post.sender.record)
        if payer is None or payer.has(CLOSED):
            return None
        has = payer.holding(post.currency)
        return payer if has.available + has.held + post.amount <= AMOUNT_MAX else None

    def _check_offer(self, post: Post, end: Ending, at: int) -> None:
        key, field = self._offers(post), self._field(post, end)
        stored = self.fields.value(key, field.decode())
        if stored is None:
            raise Refused(Status.DUPLICATE)
        if stored != end.stored:
            raise Refused(Status.CORRUPT)
        if post.kind == Kind.TAKE and self._payee(post).flags:
            raise Refused(Status.ACCOUNT_FROZEN)
        half = self.pairs.half(post)
        if post.kind == Kind.TAKE:
            allowed = half == "A"
        else:
            since = parse_offer(field, stored).at
            expired = half != "A" and 0 < end.age_ms <= at - since
            allowed = half in "BD" or expired
        if not allowed:
            raise Refused(Status.NO_REQUEST)

    def _offers(self, post: Post) -> bytes:
        assert post.to is not None
        return post.to.offers

    def _field(self, post: Post, end: Ending) -> bytes:
        return f"{self.pairs.other(post)}:{end.id}".encode()
