#!lua flags=allow-oom
-- Merges a record into a key by the order of records. docs/redis-contract.md tells what each outcome means.
--
-- KEYS: the percentage; its record.
-- ARGV: the record to write; 'raise' or ''; the record expected there ('' for none); the lease in ms (0 for none).
-- Answers the outcome, key and record as they stand afterwards, and the key as it stood before.

local KEY, RECORD = KEYS[1], KEYS[2]
local SCHEMA = 1
local LONGEST = 16 * 1024 -- characters of a record, each of at most four bytes
local MOST = 2 ^ 53 - 1 -- above it, doubles skip whole numbers

local function is_count(value, most)
  return type(value) == 'number' and value >= 0 and value <= most and value == math.floor(value)
end

local function is_text(value)
  return value == nil or type(value) == 'string'
end

local function is_record(fields)
  return is_count(fields.attempt, MOST)
    and type(fields.latched) == 'boolean'
    and is_count(fields.sequence, MOST)
    and is_count(fields.percentage, fields.latched and 0 or 100)
    and is_text(fields.revision)
    and is_text(fields.stage)
    and is_text(fields.owner)
    and is_text(fields.holder)
end

local function is_too_long(text)
  if #text <= LONGEST or #text > 4 * LONGEST then
    return #text > LONGEST
  end
  local _, characters = text:gsub('[^\128-\191]', '')
  return characters > LONGEST
end

-- The record in a text; where there is none, nil and whether the text is only damage. It is not where it
-- may be a newer version's record or another program's data.
local function parse(text)
  if is_too_long(text) then
    return nil, false
  end
  local is_json, fields = pcall(cjson.decode, text)
  if not is_json or type(fields) ~= 'table' then
    return nil, true
  elseif fields.schema ~= SCHEMA then
    return nil, false
  elseif not is_record(fields) then
    return nil, true
  end
  fields.owner, fields.holder = fields.owner or '', fields.holder or ''
  fields.cluster = type(fields.cluster) == 'string' and fields.cluster or ''
  return fields
end

local function parse_percentage(text)
  local value = text and text:match('^%d%d?%d?$') and tonumber(text)
  return value and value <= 100 and value or nil
end

-- An object may take over from one of its own name; of another cluster's it is no successor. A record without a
-- cluster is of an operator that knew none.
local function succeeds(record, before)
  local apart = record.cluster ~= before.cluster and record.cluster ~= '' and before.cluster ~= ''
  return before.owner == '' or before.owner == record.owner or (before.holder == record.holder and not apart)
end

-- Above 0 where one record outranks the other, 0 where they rank the same.
local function compare(one, other)
  local function rank(record)
    return { record.attempt, record.latched and 1 or 0, record.sequence, -record.percentage }
  end
  local ours, theirs = rank(one), rank(other)
  for place = 1, 4 do
    if ours[place] ~= theirs[place] then
      return ours[place] - theirs[place]
    end
  end
  return 0
end

local wanted = assert(parse(ARGV[1]), 'the record to write is not readable')
local raising = ARGV[2] == 'raise'
local expected = ARGV[3] ~= '' and assert(parse(ARGV[3]), 'the record expected is not readable') or nil
local lease = tonumber(ARGV[4])

local key = redis.call('GET', KEY)
local held = redis.pcall('GET', RECORD)
if type(held) == 'table' then
  held = '{}' -- not even a string, so another program's
end
local stored, damaged
if held then
  stored, damaged = parse(held)
end
local percentage = parse_percentage(key)
local in_force = stored and percentage and math.min(percentage, stored.percentage) or 0
local stopped = stored and in_force < stored.percentage

local function answer(outcome)
  local now = redis.call('GET', KEY)
  -- Of what is too long, enough to see that.
  return { outcome, now and now:sub(1, LONGEST), held and held:sub(1, 4 * LONGEST), key and key:sub(1, LONGEST) }
end

local function put(value)
  local text = ('%d'):format(value)
  if key ~= text then
    redis.call('SET', KEY, text, 'KEEPTTL')
  end
end

-- At 0 a lease has nothing to take away, and the memory of a rollback must not run out. Both expire in the same
-- millisecond: a key that went before its record would be an emergency stop.
local function renew()
  local now = redis.call('TIME')
  local expiry = ('%.0f'):format(now[1] * 1000 + math.floor(now[2] / 1000) + lease)
  for _, name in ipairs(KEYS) do
    if lease > 0 and wanted.percentage > 0 then
      redis.call('PEXPIREAT', name, expiry)
    else
      redis.call('PERSIST', name)
    end
  end
end

local function as_expected()
  if stored and expected then
    return compare(stored, expected) == 0 and stored.owner == expected.owner
  end
  return not (key or held or expected)
end

if held and not stored and not (damaged and wanted.percentage == 0) then
  if wanted.percentage == 0 then
    put(0)
  end
  return answer('unreadable')
end

if stored then
  if not succeeds(wanted, stored) then
    return answer('foreign')
  end
  local order = compare(wanted, stored)
  local same = order == 0 and stored.owner == wanted.owner
  -- Up only past a lesser record: a stale leader comes too late, and a latch outranks every raise (invariant 3).
  if not same and order <= 0 then
    if not stopped then
      put(stored.percentage)
    end
    return answer('outranked')
  end
  -- Up only where nobody has pressed the emergency stop.
  if stopped and (same or raising) then
    return answer('stopped')
  end
  if same then
    put(stored.percentage)
    if stored.cluster == '' and wanted.cluster ~= '' then
      redis.call('SET', RECORD, ARGV[1], 'KEEPTTL')
      held = ARGV[1]
    end
    renew()
    return answer('applied')
  end
end

-- Up only from what the raise was decided on.
if raising and not as_expected() then
  return answer('changed')
end
-- Up only by what is meant as a raise, whatever the record says.
if not raising and wanted.percentage > in_force then
  return answer('grows')
end

put(wanted.percentage)
redis.call('SET', RECORD, ARGV[1])
held = ARGV[1]
renew()
redis.call('PUBLISH', KEY .. ':changes', held)
return answer('applied')
