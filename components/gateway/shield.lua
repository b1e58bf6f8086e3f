-- The origin shield's memory: which stored version of an answer may still be served.
--
-- nginx stores answers under a key and knows nothing of tags. Here every key gets a version; a purge marks
-- tags with the number of the purge, and a stored version counts only while none of its tags was purged
-- after its fetch began. An overtaken version is never looked up again, so a purge takes effect with the
-- next request, whatever the number of variants, and nothing on disk has to be found.
--
--   purges   (shared)  tag -> number of its last purge; "#sequence" the last number given, "#floor" the
--                      number up to which everything counts as purged
--   records  (shared)  key -> version, number and time of the fetch, tags. It expires when the answer may no
--                      longer be served even as stale, which bounds nginx's own unbounded use_stale.
--
-- Both live as long as the master process. Versions hold the time of their making, so that a restarted
-- nginx never takes up what an earlier one left on disk.

local cjson = require "cjson.safe"
local metrics = require "metrics"

local shield = {}

local purges, records = ngx.shared.purges, ngx.shared.records
local get_method, get_uri_args = ngx.req.get_method, ngx.req.get_uri_args
local set_header, clear_header = ngx.req.set_header, ngx.req.clear_header
local concat, sort = table.concat, table.sort

local PENDING, PASS, STORED = "pending", "pass", "stored"
local PENDING_LIFETIME = 60 -- s: longer than any fetch may take (proxy_read_timeout)
local PASS_LIFETIME = 10 -- s: an answer that must not be stored is not locked for, nor looked up, this long
local LOCK_LIFETIME = 1 -- s: a purge takes microseconds; should its worker die meanwhile
local MAXIMUM_ARGUMENTS = 100

local NO_STALE = { revalidate = 0, error = 0 }
local CACHE_STATUS = {
    REVALIDATED = "fwd=stale; fwd-status=304; stored", EXPIRED = "fwd=stale; stored", MISS = "fwd=uri-miss; stored",
    BYPASS = "fwd=bypass",
}

local config

-- The routes and bypasses of the cache policy, as rendered (routes.json).
function shield.configure(path)
    local file = assert(io.open(path))
    config = assert(cjson.decode(file:read("*a")))
    file:close()
end

-- What varies, made one of few values. The edge's word on country and device counts only where an edge is trusted
-- ($edge_country and $edge_device are empty elsewhere).
local function country(var)
    local value = var.edge_country
    if not value:find("^%u%u$") then value = config.default_country end
    return config.countries.own[value] and value or config.countries.others
end

local function device(var)
    local value = var.edge_device
    return (value == "mobile" or value == "tablet" or value == "desktop") and value or var.agent_device
end

local function encoding(var, route)
    local accepted = (var.http_accept_encoding or ""):lower()
    for _, coding in ipairs(config.encodings[route.upstream]) do
        for item in accepted:gmatch("[^,]+") do
            local name, weight = item:match("^%s*([%w*-]+)%s*;%s*q=([%d.]+)%s*$")
            name = name or item:match("^%s*(.-)%s*$")
            if name == coding and (tonumber(weight) or 1) > 0 then return coding end
        end
    end
    return ""
end

local function image_format(var)
    local accepted = var.http_accept or ""
    for _, media_type in ipairs(config.image_types) do
        if accepted:find(media_type, 1, true) then return media_type end
    end
    return "*/*"
end

-- Next.js answers the data of a page at the page's own address, and differently for each of these headers.
local router_headers = { "Next-Router-Prefetch", "Next-Router-Segment-Prefetch", "Next-Router-State-Tree" }
local function rsc(var)
    if var.http_rsc ~= "1" then
        for _, name in ipairs(router_headers) do clear_header(name) end
        return ""
    end
    return "1", ngx.md5((var.http_next_router_prefetch or "") .. "|"
        .. (var.http_next_router_segment_prefetch or "") .. "|" .. (var.http_next_router_state_tree or ""))
end

local variations = {
    { name = "country", header = "X-Country", value = country },
    { name = "device", header = "X-Device", value = device },
    { name = "encoding", header = "Accept-Encoding", value = encoding },
    { name = "image_format", header = "Accept", value = image_format },
    { name = "rsc", header = "RSC", value = rsc },
}

-- The query as the key has it: the parameters that count, sorted; all others never reach the origin. One given twice
-- stays twice: which of the two counts is for the origin to say.
local function normalised_query(known)
    local parts = {}
    for name, value in pairs(get_uri_args(MAXIMUM_ARGUMENTS)) do
        if known[name] then
            local values = type(value) == "table" and value or { value }
            for _, single in ipairs(values) do
                parts[#parts + 1] = ngx.escape_uri(name) .. "=" .. (single == true and "" or ngx.escape_uri(single))
            end
        end
    end
    sort(parts)
    return concat(parts, "&")
end

local function bypassed(var)
    for _, header in ipairs(config.bypass_headers) do
        if var["http_" .. header] then return true end
    end
    for _, cookie in ipairs(config.bypass_cookies) do
        if var["cookie_" .. cookie] then return true end
    end
    return false
end

-- An answer that nobody may keep, whoever asks: the origin forbids it, or it has one of the policy's headers.
local function unkept(var, header)
    if var.not_storable ~= "" then return true end
    for _, name in ipairs(config.unkept_headers) do
        if header[name] then return true end
    end
    return false
end

local function parse(record)
    local state, version, sequence, fetched, strict_after, tags =
        record:match("^(%a+)\t([^\t]+)\t(%d+)\t([%d.]+)\t([%d.]+)\t(.*)$")
    return {
        state = state, version = version, sequence = tonumber(sequence), fetched = tonumber(fetched),
        strict_after = tonumber(strict_after), tags = tags,
    }
end

local function format(state, version, sequence, fetched, strict_after, tags)
    return concat({ state, version, sequence, ("%.3f"):format(fetched), ("%.3f"):format(strict_after), tags }, "\t")
end

local function overtaken(record, sequence)
    if record.sequence == sequence then return false end -- no purge at all since
    if record.sequence < (purges:get("#floor") or 0) then return true end
    for tag in record.tags:gmatch("[^,%s]+") do
        if (purges:get("tag:" .. tag) or 0) > record.sequence then return true end
    end
    return false
end

-- The policy's tags of a route with the path's own values: product:{product_id} is product:7.
local function tags_of(route, path)
    if not route.tags[1] then return "" end
    local match = ngx.re.match(path, route.pattern, "jo") or {}
    local tags = {}
    for index, tag in ipairs(route.tags) do
        tags[index] = tag:gsub("{([%w_]+)}", function(name) return match[name] or "" end)
    end
    return concat(tags, ",")
end

-- Takes a personal request of a public route past the cache, to where nobody keeps its answer.
function shield.bypass()
    local var, method = ngx.var, get_method()
    if (method ~= "GET" and method ~= "HEAD") or bypassed(var) then
        var.cache_result = "bypass"
        return ngx.exec("@" .. config.routes[var.route].upstream .. "-private")
    end
end

-- Decides for a request of a public route: which key, which version; or past the cache altogether.
function shield.lookup()
    shield.bypass()
    local var = ngx.var
    local route = config.routes[var.route]
    local query = normalised_query(route.query)
    ngx.req.set_uri_args(query)
    clear_header("Cookie")
    local parts = {}
    for index, variation in ipairs(variations) do
        local value, more = "", nil
        if route.vary[variation.name] then value, more = variation.value(var, route) end
        if value == "" then clear_header(variation.header) else set_header(variation.header, value) end
        parts[index] = value .. (more or "")
    end
    -- Unambiguous: the parts above come from small sets, the query is escaped, and no host holds a slash.
    parts[#parts + 1] = query
    parts[#parts + 1] = var.host
    parts[#parts + 1] = var.uri
    local key = concat(parts, "|")

    local sequence, now = purges:get("#sequence") or 0, ngx.now()
    local found = records:get(key)
    local record = found and parse(found)
    if not record or overtaken(record, sequence) then
        local version = ("%d-%.3f"):format(sequence, now)
        local tags = tags_of(route, var.uri)
        local fresh = format(PENDING, version, sequence, now, now + PENDING_LIFETIME, tags)
        local added = false
        if record then records:set(key, fresh, PENDING_LIFETIME)
        else added = records:add(key, fresh, PENDING_LIFETIME) end
        -- Another worker may have been quicker: then its version is the one to wait for.
        record = parse(not (record or added) and records:get(key) or fresh)
    end

    var.shield_record = key
    var.shield_key = key .. "|" .. record.version
    var.shield_version = record.version
    var.shield_sequence = sequence
    if record.state == PASS then return ngx.exec("@" .. route.upstream .. "-private") end
    if record.state == STORED then
        var.shield_fetched = record.fetched
        -- Past stale-while-revalidate: wait for the origin, and serve stale only if it fails.
        if route.stale.revalidate > 0 and now > record.strict_after then return ngx.exec("@" .. var.route .. "-strict") end
    end
end

local function header_text(value)
    return type(value) == "table" and concat(value, ", ") or value or ""
end

-- The status that the answer is stored with: a client's own 304 or 206 is made from it.
local function stored_status(var)
    local status = tonumber((var.upstream_status or ""):match("(%d+)$")) or ngx.status
    return (status == 304 or status == 206) and 200 or status
end

local function cache_status(header, own)
    local before = header_text(header["Cache-Status"])
    header["Cache-Status"] = (before == "" and "" or before .. ", ") .. "gateway; " .. own
end

-- The headers that the policy gives a route's answers where the origin isn't the API, which does so itself.
function shield.label(route, path, status)
    if not route.headers then return end
    local header = ngx.header
    local announced = header_text(header["Link"])
    for name, value in pairs(route.headers[tostring(status)] or route.headers.other) do header[name] = value end
    -- What the page itself announces (fonts to preload) stays: the policy's likely next pages come after it.
    if announced ~= "" then
        local added = route.headers[tostring(status)] and route.headers[tostring(status)]["Link"]
        header["Link"] = added and announced .. ", " .. added or announced
    end
    local tags = tags_of(route, path)
    if tags ~= "" then header["Cache-Tag"] = tags end
end

-- Public routes: remembers what the origin's answer is worth, and says (RFC 9211) where the answer comes from.
function shield.answered()
    local var, header = ngx.var, ngx.header
    local route = config.routes[var.route]
    local cache, key = var.upstream_cache_status or "BYPASS", var.shield_record
    local status, now = stored_status(var), ngx.now()
    shield.label(route, var.uri, status)

    local found = key ~= "" and records:get(key)
    local record = found and parse(found)
    if record and record.version == var.shield_version then
        if cache == "MISS" or cache == "EXPIRED" or cache == "REVALIDATED" then
            local sequence, lifetime = tonumber(var.shield_sequence), route.ttl[tostring(status)]
            local tags = tags_of(route, var.uri) .. "," .. header_text(header["Cache-Tag"])
            if unkept(var, header) then
                records:set(key, format(PASS, record.version, sequence, now, now, tags), PASS_LIFETIME)
            elseif lifetime then
                local stale = status < 400 and route.stale or NO_STALE
                records:set(key, format(STORED, record.version, sequence, now, now + lifetime + stale.revalidate, tags),
                    lifetime + math.max(stale.revalidate, stale.error))
            else
                records:delete(key)
            end
        elseif cache == "STALE" and now > record.strict_after then
            -- The origin fails: for a while nobody else waits for it before getting the stale answer.
            records:set(key, format(STORED, record.version, record.sequence, record.fetched, now + PASS_LIFETIME,
                record.tags), math.max(0.001, records:ttl(key) or 0.001))
        end
    end

    var.cache_result = cache:lower()
    if cache == "HIT" or cache == "STALE" or cache == "UPDATING" then
        local age = math.max(0, math.floor(now - (tonumber(var.shield_fetched) or now)))
        header["Age"] = age + (tonumber(var.upstream_http_age) or 0)
        -- A ttl below zero says that the answer is stale.
        return cache_status(header, ("hit; ttl=%d"):format((route.ttl[tostring(status)] or 0) - age))
    end
    cache_status(header, CACHE_STATUS[cache] or "fwd=miss")
end

-- Everything else: whatever the origin says, nothing between it and the browser may keep the answer.
function shield.private()
    local var, header = ngx.var, ngx.header
    if not header_text(header["Cache-Control"]):find("private", 1, true)
        and not header_text(header["Cache-Control"]):find("no-store", 1, true) then
        header["Cache-Control"] = "private, no-store"
    end
    header["Cloudflare-CDN-Cache-Control"] = nil
    header["Cache-Tag"] = nil
    if var.cache_result == "" then var.cache_result = "private" end
    cache_status(header, "fwd=bypass")
end

-- Marks tags or everything as purged. The body: {"tags": [...], "everything": true}.
-- Answers 200 with the purge's number once it holds for every request that comes after.
function shield.purge()
    if get_method() ~= "POST" then
        ngx.header["Allow"] = "POST"
        return ngx.exit(405)
    end
    ngx.req.read_body()
    local body = cjson.decode(ngx.req.get_body_data() or "")
    if type(body) ~= "table" then
        ngx.status = 400
        ngx.header["Content-Type"] = "application/json"
        ngx.say('{"error": "the body must be JSON: {\\"tags\\": [...], \\"everything\\": false}"}')
        return ngx.exit(400)
    end
    local marks = {} -- and how long each matters, in seconds
    for _, tag in ipairs(body.tags or {}) do
        marks[#marks + 1] = { "tag:" .. tag, config.mark_lifetimes[tag:match("^[^:]*")] or config.longest_lifetime }
    end

    -- One purge at a time, so that a mark never falls back to an older number. The number comes first: whoever
    -- fetches after seeing it began after this purge was asked for, and so after the write behind it.
    while not purges:add("#lock", true, LOCK_LIFETIME) do ngx.sleep(0.001) end
    local sequence = purges:incr("#sequence", 1, 0)
    local everything = body.everything == true
    for _, mark in ipairs(marks) do
        local _, err, forced = purges:set(mark[1], sequence, mark[2])
        everything = everything or err ~= nil or forced -- out of memory: rather purge too much
    end
    if everything then purges:set("#floor", sequence) end
    purges:delete("#lock")

    metrics.count_purge(#marks)
    ngx.header["Content-Type"] = "application/json"
    ngx.say(cjson.encode({ sequence = sequence, marks = #marks, everything = everything }))
end

return shield
