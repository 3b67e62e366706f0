"""Loads that others carried, beside what they said it took. A ratio, not a fit: what their servers
do and keep is not what ours do and keep."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from .costs import Costs
from .demand import DAY, demand
from .fleet import Fleet, fleet
from .settings import Habits, Machine

WHATSAPP_USERS, WHATSAPP_IN_AND_OUT, WHATSAPP_CORES = 450e6, 50e9, 8_000
"""High Scalability, 2014: monthly users, messages a day in and out, cores ("more than")."""
WECHAT_CONNECTIONS, WECHAT_MESSAGES, WECHAT_PACKETS, WECHAT_SERVERS = 1.46e9, 38e9, 760e3, 638
"""Talks about the galas of 2015 (access servers, and connections they were sized for) and 2017 (red
packets a second at the peak, messages a day), second-hand."""
LINE_MESSAGES, LINE_BYTES = 25e9, 60e12
"""RedisConf 2018: messages a day; memory of all Redis nodes."""


@dataclass(frozen=True)
class Anchor:
    """A load of another's, what the model needs for it, and what was published."""

    name: str
    unit: str
    model: float
    published: float
    caution: str

    @property
    def ratio(self) -> float:
        """The model's figure for each that was published."""
        return self.model / self.published


def anchors(costs: Costs, habits: Habits, machine: Machine) -> list[Anchor]:
    """All of them, with our habits where nothing else is known."""
    return [
        _whatsapp(costs, habits, machine),
        _wechat(costs, habits, machine),
        _line(costs, habits, machine),
    ]


def _whatsapp(costs: Costs, habits: Habits, machine: Machine) -> Anchor:
    sent = WHATSAPP_IN_AND_OUT / 2
    day = msgspec.structs.replace(habits.keeping, days=1.0)
    habits = msgspec.structs.replace(habits, keeping=day)
    found = _carried(costs, habits, machine, WHATSAPP_USERS, messages=sent, payments=0.0)
    cores = found.hubs.processes + found.primaries.processes * habits.fleet.copies
    words = "they kept what was not delivered, we a day in 3 copies; they served media too"
    return Anchor("WhatsApp 2014", "cores", cores, WHATSAPP_CORES, words)


def _wechat(costs: Costs, habits: Habits, machine: Machine) -> Anchor:
    everyone = msgspec.structs.replace(habits.people, online_share=1.0, devices=1.0)
    all_in = msgspec.structs.replace(habits, people=everyone)
    paid = WECHAT_PACKETS * DAY / habits.people.peak_factor
    found = _carried(costs, all_in, machine, WECHAT_CONNECTIONS, WECHAT_MESSAGES, paid)
    servers = found.hub_machines * machine.cores / habits.fleet.store_cores
    words = f"how large their servers were is not known; ours have {habits.fleet.store_cores} cores"
    return Anchor("WeChat 2015-17", "access servers", servers, WECHAT_SERVERS, words)


def _line(costs: Costs, habits: Habits, machine: Machine) -> Anchor:
    users = LINE_MESSAGES / habits.people.messages_a_day
    found = _carried(costs, habits, machine, users, LINE_MESSAGES, 0.0)
    words = f"their users and days are not known; ours keep {habits.keeping.days:g} days, one copy"
    return Anchor("LINE 2018", "TB of memory", found.store_memory / 1e12, LINE_BYTES / 1e12, words)


def _carried(
    costs: Costs, habits: Habits, machine: Machine, users: float, messages: float, payments: float
) -> Fleet:
    """The fleet for so many messages and payments a day."""
    people = msgspec.structs.replace(
        habits.people, messages_a_day=messages / users, payments_a_day=payments / users
    )
    theirs = msgspec.structs.replace(habits, people=people)
    return fleet(demand(users, people), costs, theirs, machine)
