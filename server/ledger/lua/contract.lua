-- Teller's ledger and mailboxes. One call carries a tick's posts and applies each one whole or not
-- at all: duplicate check, parties, rights, money, then the entries.
--
-- teller_post   KEYS  marks (strings), scalars (strings), lists (mailboxes), others (hashes, sets)
--               ARGV  number of marks, of scalars, of lists; rows
--   Rows: a row for each post, one behind the other; numbers are big-endian. An index counts within
--   its own group of keys, from 1; 0 means none.
--     u8 kind     0 entry, 1 create, 2 join, 3 leave, 4 freeze, 5 register, 6 thaw
--     u8 old      1: the id is older than marks are kept
--     u16 mark    duplicate mark of (sender, id)
--     u16 to      scalar: account record of the recipient, who is the payee
--     u16 sender  scalar: account record of the payer; 0 for words
--     u16 room    scalar: account record of the room
--     3 x u16     lists: the boxes, 0 where there are fewer
--     16 bytes    digest
--     u8, bytes   length and name of the first box, for the mark
--     u32, bytes  length and body of the entry
--   with a sender also:
--     u64, 3 bytes, u16  amount in minor units; currency, zeros if it is not known; scalar: money
--                        in circulation, only where $world pays
--   with a room also:
--     u16; u8, bytes     other: hash of the room's members, handle -> role; the sender's name
--   create, join, leave also:
--     u16; u8, bytes; u32  other: set of rooms joined; room name; most rooms
--   register also:
--     u16; u16, bytes    scalar: secret; its value
--     u16; 2 x (u16, bytes)  other: hash of tokens; field, value
--   Output: time in ms, then of each post, without nesting:
--     0, seq in each box ..., and for money: payer's available, held, version, payee's likewise
--     1, mark         same id, same content
--     2, mark         same id, other content
--     status, detail  anything else: refused, nothing changed; detail is nil where there is none
--
-- teller_sweep  KEYS marks; ARGV time in ms. Deletes marks of posts without money older than that.
-- teller_books  KEYS account record of $world, totals ...; ARGV currencies. {{currency, world, total} ...}
-- teller_read   KEYS list; ARGV first and last place (from 0, or below 0 from the end), most bytes.
--               {length of the list, seq of the last entry read, entries}: the newest ones between
--               first and last that fit into the bytes, but at least one, ascending.
-- teller_version: contract number and library version.
--
-- Account record: u8 flags (1 frozen, 4 issuer: may go below zero), 7 bytes version, and for each
-- currency its 3 letters, i64 available, u64 held.
-- Mark: 16 bytes digest, u8 money (0, 1), 6 bytes seq (0: no entry), 6 bytes time, for money i64
-- available, u64 held, 7 bytes version of the payer, then the name of the first box.
-- Entry: 13 digits of time in ms, then the body.
-- Integers are exact: nothing here may pass 2^53-1.

local VERSION = 1
local CONTRACT = 2
local MAX = 9007199254740991
local FROZEN, ISSUER = 1, 4

-- Statuses, in order of precedence. server/ledger/status.py has the same list; a test compares them.
local OK = 0
local DUPLICATE = 1
local ID_REUSED = 2
local ID_TOO_OLD = 3
local NAME_TAKEN = 4
local UNKNOWN_ACCOUNT = 5
local UNKNOWN_ROOM = 6
local SAME_ACCOUNT = 7
local NOT_A_MEMBER = 8
local ALREADY_A_MEMBER = 9
local ACCOUNT_FROZEN = 10
local PARTY_FROZEN = 11
local CURRENCY_UNKNOWN = 12
local LIMIT_EXCEEDED = 13
local BALANCE_OVERFLOW = 14
local INSUFFICIENT_FUNDS = 15
local CORRUPT = 16

local NONE = {}

-- Local names of what is used often: a global costs a slow look-up each time. They are bound by the
-- first call, because none of them is there while the library loads.
local call, pcall, find, format, sub, encode, decode, number, spread

local function bind()
  if call then
    return
  end
  if string.format('%d', MAX) ~= '9007199254740991' then
    error('teller: this server counts with 32 bits')
  end
  find, format, sub = string.find, string.format, string.sub
  encode, decode, number, spread = struct.pack, struct.unpack, tonumber, unpack
  call, pcall = redis.call, redis.pcall
end

local ENTRY, CREATE, JOIN, LEAVE, FREEZE, REGISTER, THAW = 0, 1, 2, 3, 4, 5, 6
