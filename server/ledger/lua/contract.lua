-- Teller's ledger and mailboxes. One call carries a tick's posts and applies each one whole or not
-- at all: duplicate check, parties, rights, money, then the entries.
--
-- teller_post   KEYS  marks (strings), scalars (strings), lists (mailboxes), others (hashes, sets)
--               ARGV  number of marks, of scalars, of lists; rows
--   Rows: a row for each post, one behind the other; numbers are big-endian. An index counts within
--   its own group of keys, from 1; 0 means none.
--     u8 kind     0 entry, 1 create, 2 join, 3 leave, 4 flag, 5 register, 6 arrive, 7 settle, 8 take,
--                 9 give back, 10 mend, 11 ask: an entry, of whose mark it is the form
--     u8 flags    1: the id is older than marks are kept; 4: it asks, 2: away, see the end
--     u8 mode     how it treats strangers: 0 not, 1 they must ask, 2 they are welcome; 3 it is a
--                 marker, which readers and the muted may post, and which reaches every box; 4 the
--                 same, but the recipient must have accepted the sender; 5 the same, but a
--                 request must have come before, and it counts; the sender 6 accepts,
--                 7 declines, 8 blocks, 9 unblocks the other of the pair
--     u16 mark    duplicate mark of (sender, id); none for what is posted by couriers, and for
--                 take and give back
--     u16 to      scalar: account record of the recipient, who is the payee; 0 if elsewhere
--     u16 sender  scalar: account record of the payer; 0 for words
--     u16 room    scalar: account record of the room
--     u16 pair    scalar: what sender and recipient think of each other; 0 if nobody asks
--     3 x u16     lists: the boxes, 0 where there are fewer
--     16 bytes    digest
--     u32, bytes  length and body of the entry
--     u8, bytes   length and name of the first box, for the mark
--   with a sender also:
--     u64, 3 bytes, u16  amount in minor units; currency, zeros if it is not known; scalar: money
--                        in circulation, only where $world pays
--   with a room also:
--     u16; u8, bytes     other: hash of the room's members, handle -> role; the sender's name
--   create, join, leave also:
--     u16; u8, bytes; u32  other: set of rooms joined, 0 if elsewhere; room name; most rooms
--   take and give back also:
--     2 x (u8, bytes)    id of the payment; its offer, as it was read
--     u64                of what goes back: how old it must be, in ms, if the payee has not refused it
--     2 x u16            of what goes back: $suspense: scalar: account record; list: box
--     u32, bytes         of what goes back: the entry if the money goes to $suspense
--   flag also:
--     u8; u8             flag of the account record; 1 to set it, 0 to clear it
--   register also:
--     u16; u16, bytes    scalar: secret; its value
--     u16; 2 x (u16, bytes)  other: hash of tokens; field, value
--   arrive also:
--     u8; u16            kind of the leg: 0 person, 1 room, 2 join, 3 leave, 4 return; scalar: lane-in
--     4 x u64            number of the leg; its time in ms; that of the leg before it, as the outbox
--                        has it (0: not known); all legs up to this one are settled
--     u64, 3 bytes       amount, 0 for words; currency
--     u32                length of what follows, which is for refusals and for joins and leaves:
--     2 x u16            of the lane back: scalar: lane-out; list: outbox
--     2 x u16            of $suspense: scalar: account record; list: box
--     u16                other: set of rooms joined
--     3 x u8, u32; bytes  lengths, then: who sent the leg; id of the post; room name, to be added or
--                        removed; body of the entry if the money of a return goes to $suspense
--   settle also:
--     2 x u16            scalar: lane-out; list: its outbox
--     4 x u64            up to which leg it was settled before; is now; the time of that last leg, in
--                        ms; how many settled legs to keep
--     u16; u16, u32 each  number of entries; of each: list: box; how much of the row's body it is
--   mend also (its recipient is the system account, its first box that account's):
--     2 x u16            scalar: the lane's record; list: its outbox, 0 at the end of the lane
--     2 x u64            the last leg that both ends know: settled at the source, arrived at the end;
--                        the last that only the other end knows, up to which this one is brought
--     u16; u64, 3 bytes, u32 each  number of corrections; of each: amount, 0 for none; currency; how
--                        much of the row's body it is
--   with flag 4, behind all that, as in server/ledger/conditions.py:
--     u8, u8             number of conditions, of changes
--     u16, u8, u8; u8, bytes; u16, bytes  of each condition: other; test, and 128 if this one or the
--                        next must hold; status if it does not; field; argument
--     u16, u8; u8, bytes; u16, bytes      of each change: other; what becomes of it; field; value
--   with flag 2, behind that:
--     u8, u8             what the hub learned elsewhere: a status, 0 if nothing stands in the way;
--                        number of legs
--     u16, u16, u8; u32, bytes  of each leg: scalar: lane-out; list: outbox; 1 if it carries the
--                        money; the leg. With a payer and no payee, one leg carries it.
--   Output: time in ms, then of each post, without nesting:
--     0, seq in each box ..., and for money: payer's available, held, version, payee's likewise
--        (only the one who is here); then the number of each leg in its lane
--     1, mark         same id, same content; of an arrival: 1 if the leg had been refused, else 0
--     2, mark         same id, other content
--     status, detail  anything else: refused, nothing changed; detail is nil where there is none
--     33, code        arrival refused: its return leg is in the outbox of the lane back
--     35, last        arrival out of turn: it is not the next, or more than 1,000 ahead of the last
--                     that is said to be settled; the last that arrived
--     37, number      the lane's source has lost legs, and gave their numbers to others: a later leg
--                     comes under a number that came before, or behind one that did not come
--     34, seq         done as far as it can be: a return's money is in $suspense
--     38 as 0         done; but the payment's money waits, and its entry says so. Of an arrival, too
--     39 as 0         done; and a stranger's request was decided by it
--     Of a mend that is done, the seq of the last correction; 36 as above, if the lane has moved;
--     30 if the system account cannot hold it.
--     Of a settlement, the seq in a box that cannot take its entry is 0.
--
-- teller_sweep  KEYS marks; ARGV time in ms. Deletes marks of posts without money older than that.
-- teller_blank  KEYS list; ARGV place (from 0), entry, the same without its words ... Puts the latter
--               in the place of the former, if that stands there; number of those.
-- teller_books  KEYS account record of $world, totals ...; ARGV currencies. {{currency, world, total} ...}
-- teller_read   KEYS list; ARGV first and last place (from 0, or below 0 from the end), most bytes.
--               {length of the list, seq of the last entry read, entries}: the newest ones between
--               first and last that fit into the bytes, but at least one, ascending.
-- teller_mirror KEYS list, string, record, hash; ARGV origin, number of entries before, of entries;
--               entries ..., then for the hash: field, seq, tag ...
--               Appends them to the list, which is the copy of a box of another region, if it holds so
--               many, and notes the seqs in the fields, as a change 4 does. The string is its
--               origin; with another one than before the copy begins anew.
--               {entries it holds, 1 if it began anew else 0}; where the record is there, it is no copy.
-- teller_version: contract number and library version.
--
-- Account record: u8 flags (1 frozen, 2 closed for ever, 4 issuer: may go below zero, 8 suspended),
-- 7 bytes version, and for each currency its 3 letters, i64 available, u64 held.
-- Mark: 16 bytes digest, u8 money (0, 1; 2 if it left the partition, 3 if it waits; 4: none, and it is
-- a join that only asks), 6 bytes seq (0:
-- no entry), 6 bytes time, for money i64 available, u64 held, 7 bytes version of the payer, then the name of the
-- first box.
-- Members: handle -> owner, admin, member, or reader, who may not write; behind it, perhaps, a blank
-- and the time in ms until when they are muted.
-- Pair of two people, the first by name before the other: a character each, what they think of the
-- other: - nothing, 1 to 9 so many things came as a request, A accepted, B blocked, D declined, ? not
-- known here, as they live in another partition. Contacts: name -> nothing; and arrangements, which
-- are no matter here. Offers of a payee: payer:id -> amount, currency, time in ms, and the label of
-- the partition that it came from, if another; with blanks between. The keys of contacts and offers
-- (c:, u:) are no KEYS: they are made from that of the pair (f:), with its tag.
-- Entry: 13 digits of time in ms, then the body.
-- Lane: legs from one partition to another, numbered from 1. Lane-out, at its source: 6 bytes number
-- of the last leg sent, 6 of the last settled, 6 of the first in the outbox; and for each currency its
-- 3 letters and u64, all money that ever left. Lane-in, at its end: 6 bytes number of the last leg
-- that arrived, 6 its time; u16 and 6 bytes each: legs refused, or whose money waits, and not settled
-- yet; currencies
-- likewise, all money that ever came. These sums start again at 2^53.
-- Leg, in an outbox: 6 bytes time in ms, then what the post gave, or a return leg, which is made here:
-- MessagePack, an array as in server/ledger/legs.py.
-- Integers are exact: nothing here may pass 2^53-1.

local VERSION = 1
local CONTRACT = 5
local MAX = 9007199254740991
local FROZEN, CLOSED, ISSUER, SUSPENDED = 1, 2, 4, 8

-- Statuses, in order of precedence. server/ledger/status.py has the same list; a test compares them.
local Status = {
  OK = 0,
  DUPLICATE = 1,
  ID_REUSED = 2,
  ID_TOO_OLD = 3,
  NAME_TAKEN = 4,
  UNKNOWN_ACCOUNT = 5,
  UNKNOWN_ROOM = 6,
  ACCOUNT_CLOSED = 7,
  SAME_ACCOUNT = 8,
  UNKNOWN_ENTRY = 9,
  FORBIDDEN = 10,
  NOT_A_MEMBER = 11,
  ALREADY_A_MEMBER = 12,
  BANNED = 13,
  NOT_INVITED = 14,
  READ_ONLY = 15,
  MUTED = 16,
  TOO_SOON = 17,
  OWNER_STAYS = 18,
  BLOCKED = 19,
  NOT_ACCEPTED = 20,
  REQUEST_PENDING = 21,
  NO_REQUEST = 22,
  MONEY_STAYS = 23,
  SUSPENDED = 24,
  ACCOUNT_FROZEN = 25,
  PARTY_FROZEN = 26,
  NOT_EMPTY = 27,
  CURRENCY_UNKNOWN = 28,
  LIMIT_EXCEEDED = 29,
  BALANCE_OVERFLOW = 30,
  INSUFFICIENT_FUNDS = 31,
  CORRUPT = 32,
  RETURNED = 33,
  SUSPENSE = 34,
  LANE_GAP = 35,
  LANE_MOVED = 36,
  LANE_FORKED = 37,
  WAITING = 38,
  ANSWERED = 39,
}

local OK = Status.OK   -- of nearly every post
local NONE = {}

-- Local names of what is used often: a global costs a slow look-up each time. They are bound by the
-- first call, because none of them is there while the library loads.
local call, pcall, byte, find, format, sub, encode, decode, number, spread, pack

local function bind()
  if call then
    return
  end
  if string.format('%d', MAX) ~= '9007199254740991' then
    error('teller: this server counts with 32 bits')
  end
  byte, find, format, sub = string.byte, string.find, string.format, string.sub
  encode, decode, number, spread = struct.pack, struct.unpack, tonumber, unpack
  pack, call, pcall = cmsgpack.pack, redis.call, redis.pcall
end

local ENTRY, CREATE, JOIN, LEAVE, FLAG, REGISTER, ARRIVE, SETTLE, TAKE, GIVE_BACK, MEND, ASK = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
local MARKER, STRICT, AFTER = 3, 4, 5   -- modes
local LEG_JOIN, LEG_LEAVE, LEG_RETURN = 2, 3, 4
