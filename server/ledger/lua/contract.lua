-- Teller's ledger and mailboxes. One call carries a tick's posts and applies each one whole or not
-- at all: duplicate check, parties, rights, money, then the entries.
--
-- teller_post   KEYS  scalars (strings), then lists (mailboxes), then others (hashes and sets)
--               ARGV  number of scalars, number of lists, MessagePack array of posts, contents
--   Contents: for each post 16 bytes of digest and then its entry, one behind the other (binary, which
--   cmsgpack does not take).
--   A post is an array; an index counts within its own group of keys, nil means none, and what is
--   nil at the end is left out:
--    1 kind       0 entry, 1 create, 2 join, 3 leave, 4 freeze, 5 register, 6 thaw
--    2 mark       scalar: duplicate mark of (sender, id)
--    3 length     of the entry's body, in bytes
--    4 old        true: the id is older than marks are kept
--    5 box        name of the first box, for the mark
--    6 boxes      array of lists
--    7 to         scalar: account record of the recipient, who is the payee
--    8 sender     scalar: account record of the payer
--    9 amount     decimal string of minor units
--   10 currency   three letters, '' if it is not known
--   11 room       scalar: account record of the room
--   12 members    other: hash of the room's members, handle -> role
--   13 who        the sender's name, as in that hash
--   14 total      scalar: money in circulation; only where $world pays
--   15 extra      join, create: {other: set of rooms joined, room name, most rooms}; leave: {other, room name};
--                 register: {scalar: secret, value, other: hash of tokens, field, value}
--   Output: {time in ms, result of each post}; a result is
--    {0, seq in each box ..., and for money: payer's available, held, version, payee's likewise}
--    {1, mark} same id, same content     {2, mark} same id, other content
--    {status, detail} anything else: refused, nothing changed
--
-- teller_sweep  KEYS marks; ARGV time in ms. Deletes marks of posts without money older than that.
-- teller_books  KEYS account record of $world, totals ...; ARGV currencies. {{currency, world, total} ...}
-- teller_read   KEYS list; ARGV first and last place (from 0, or below 0 from the end), most bytes.
--               {length of the list, seq of the last entry read, entries}: the newest ones between
--               first and last that fit into the bytes, but at least one, ascending.
-- teller_version: contract number and library version.
--
-- Account record: 'flags version CUR available held CUR available held ...'; flags: 1 frozen,
-- 4 issuer (may go below zero). Mark: 16 bytes digest, then 'seq time box', and for money
-- ' available held version' of the payer. Entry: 13 digits of time in ms, then the body.
-- Integers are exact: nothing here may pass 2^53-1.

local VERSION = 1
local CONTRACT = 1
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
local call, pcall, find, format, gmatch, match, sub

local function bind()
  if call then
    return
  end
  if string.format('%d', MAX) ~= '9007199254740991' then
    error('teller: this server counts with 32 bits')
  end
  find, format, gmatch, match, sub = string.find, string.format, string.gmatch, string.match, string.sub
  call, pcall = redis.call, redis.pcall
end

local ENTRY, CREATE, JOIN, LEAVE, FREEZE, REGISTER, THAW = 0, 1, 2, 3, 4, 5, 6
