"""Every frame of teller.v1, as typed structs: the schema; `codec` follows it.

A frame is a flat map tagged by `type`. Client frames refuse unknown fields (a typo must not move
money); hub frames are read leniently, so that a hub may add fields. Limits are in `limits`, fields
in `values`, frames in `posting`, `asking`, `entries`, `happenings` and `answers`; here are all of
them together.
"""

from __future__ import annotations

from .answers import *
from .asking import *
from .entries import *
from .posting import *
from .values import *

AnyClientFrame = (
    Register
    | Login
    | Hello
    | Logout
    | Message
    | Edit
    | Delete
    | React
    | Pin
    | Forward
    | Payment
    | Create
    | Join
    | Leave
    | Invite
    | Kick
    | Ban
    | Mute
    | Role
    | Topic
    | Profile
    | Arrange
    | Accept
    | Decline
    | Block
    | Unblock
    | Revoke
    | Erase
    | Read
    | Delivered
    | Deposit
    | Freeze
    | Suspend
    | Members
    | History
    | Thread
    | Conversations
    | Profiles
    | Balance
    | Status
    | Watch
    | Devices
    | Search
    | Export
    | Typing
    | Presence
)

AnyHubFrame = (
    Welcome
    | Ack
    | Error
    | Goodbye
    | AnyEntry
    | HistoryPage
    | ThreadPage
    | MembersPage
    | ConversationsPage
    | ProfilesPage
    | BalanceSheet
    | StatusReport
    | WatchReport
    | DevicesPage
    | FoundPage
    | ExportReport
    | TypingNotice
    | PresenceNotice
)
