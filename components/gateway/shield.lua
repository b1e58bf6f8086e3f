-- The origin shield's memory: which stored version of an answer may still be served.
--
-- nginx stores answers under a key and knows nothing of tags. Here every key gets a version; a purge marks
-- tags with the number of the purge, and a stored version counts only while none of its tags was purged
-- after its fetch began. An overtaken version is never looked up again, so a purge takes effect with the
-- next request, whatever the number of variants, and nothing on disk has to be found.
--
--   purges   (shared)  tag -> number of its last purge; "#sequence" the last number given, "#floor" the
--                      number up to which everything counts as purged, "#marked" how many purges have set their marks
--   records  (shared)  key -> version, number and time of the fetch, tags. It expires when the answer may no
--                      longer be served even as stale, which bounds nginx's own unbounded use_stale.
--
-- Both live as long as the master process. Versions hold the time of their making, so that a restarted
-- nginx never takes up what an earlier one left on disk.

local cjson = require "cjson.safe"
local ffi = require "ffi"
local metrics = require "metrics"

local shield = {}

local purges, records = ngx.shared.purges, ngx.shared.records
local get_method, get_uri_args = ngx.req.get_method, ngx.req.get_uri_args
local clear_header = ngx.req.clear_header
local concat, sort = table.concat, table.sort
local spawn, wait, kill = ngx.thread.spawn, ngx.thread.wait, ngx.thread.kill

local PENDING, PASS, STORED = "pending", "pass", "stored"
local PENDING_LIFETIME = 60 -- s: longer than any fetch may take (proxy_read_timeout)
local PASS_LIFETIME = 10 -- s: an answer that must not be stored is not locked for, nor looked up, this long
-- s: so long a request looks for the fetch that it waits for more often than nginx does, which is twice a second.
local WAIT, SHORTEST_PAUSE, LONGEST_PAUSE = 1, 0.002, 0.05
local LOCK_LIFETIME = 1 -- s: a purge takes microseconds; should its worker die meanwhile
local MAXIMUM_ARGUMENTS = 100
local BUSTING = "_rsc" -- what Next.js's router adds to an address, for caches that vary by nothing else
local LONGEST_SEGMENT = 200
local QUESTION_MARK = ("?"):byte()
local PARSED_KEPT = 4096 -- records, of 512 bytes at most

local NO_STALE = { revalidate = 0, error = 0 }
local FORWARDED = { MISS = "fwd=uri-miss", EXPIRED = "fwd=stale" }
-- What answers are told apart by, where the policy says so: anything else that an answer depends on isn't in its key.
local TOLD_APART = {
    ["accept-encoding"] = true, ["accept"] = true, ["x-country"] = true, ["x-device"] = true, ["rsc"] = true,
    ["next-router-prefetch"] = true, ["next-router-segment-prefetch"] = true, ["next-router-state-tree"] = true,
}
-- Of a connection itself, or what frames a message: never headers that end here.
local CONNECTION_WORDS = {
    ["close"] = true, ["keep-alive"] = true, ["upgrade"] = true, ["te"] = true, ["host"] = true,
    ["content-length"] = true, ["transfer-encoding"] = true, ["content-encoding"] = true, ["content-type"] = true,
}
-- Made by nginx itself from an answer that it has: they say nothing of that answer, and nobody keeps them.
local REFUSED_HERE = { [412] = true, [416] = true }
-- How a framework's parts talk to each other: from a client they are a way past what the framework decides.
local INTERNAL_HEADERS = { "^x%-middleware%-", "^x%-nextjs%-", "^x%-invoke%-", "^x%-matched%-path$" }

local config, body_seconds

-- The routes and bypasses of the cache policy, as rendered (routes.json); and the time for a request's body.
function shield.configure(path, seconds)
    body_seconds = seconds
    local file = assert(io.open(path))
    config = assert(cjson.decode(file:read("*a")))
    file:close()
    config.bypassing = {} -- the variables of what takes a request past the cache
    for _, header in ipairs(config.bypass_headers) do table.insert(config.bypassing, "http_" .. header) end
    for _, cookie in ipairs(config.bypass_cookies) do table.insert(config.bypassing, "cookie_" .. cookie) end
end

-- What varies, made one of few values. The edge's word on country and device counts only where an edge is trusted
-- ($edge_device is empty elsewhere, $shared_country then the default).
local function country(var) return var.shared_country end

local function device(var)
    local value = var.edge_device
    return (value == "mobile" or value == "tablet" or value == "desktop") and value or var.agent_device
end

-- The coding that the client likes best (RFC 9110, 12.5.3) of those that the origin knows; on a tie the origin's order.
-- Clients send few different headers, so the answers are kept.
local function negotiated(accepted, known)
    local weights = {}
    for item in accepted:lower():gmatch("[^,]+") do
        local name, parameters = item:match("^%s*([%w*-]+)%s*(.*)$")
        if name then
            local weight = parameters:match(";%s*q%s*=%s*([%d.]+)")
            weights[name == "x-gzip" and "gzip" or name] = weight and (tonumber(weight) or 0) or 1
        end
    end
    local best, found = weights.identity or 0, ""
    for _, coding in ipairs(known) do
        local weight = weights[coding] or weights["*"] or 0
        if weight > 0 and (weight > best or (weight == best and found == "")) then best, found = weight, coding end
    end
    return found
end

local codings, codings_kept = {}, 0
local function encoding(var)
    local accepted = var.http_accept_encoding
    if not accepted then return "" end
    local found = codings[accepted]
    if not found then
        found = negotiated(accepted, config.encodings)
        if #accepted > 256 then return found end
        if codings_kept >= 512 then codings, codings_kept = {}, 0 end
        codings[accepted], codings_kept = found, codings_kept + 1
    end
    return found
end

local function image_format(var)
    local accepted = var.http_accept or ""
    for _, media_type in ipairs(config.image_types) do
        if accepted:find(media_type, 1, true) then return media_type end
    end
    return "*/*"
end

-- Next.js answers the data of a page at the page's own address, and differently for the first two of these headers; the
-- pages that are kept here are the same for each of the others, so those never reach it.
local function prefetch(var)
    local value = var.http_next_router_prefetch
    return (value == "1" or value == "2" or value == "3") and value or nil
end

local function rsc(var)
    if var.http_rsc ~= "1" then return "" end
    local segment = var.http_next_router_segment_prefetch
    var.sent_prefetch, var.sent_segment = prefetch(var) or "", segment or ""
    return "1", "," .. var.sent_prefetch .. "," .. var.sent_segment
end

-- The value of `_rsc` that belongs to the headers of a request (Next.js: cache-busting-search-param.js).
ffi.cdef "unsigned char *SHA256(const unsigned char *data, size_t length, unsigned char *digest);"
local digest = ffi.new("unsigned char[32]")
local function busting(prefetched, segment, tree, url)
    if not (prefetched or segment or tree or url) then return "" end
    local text = concat({ prefetched or "0", segment or "0", tree or "0", url or "0" }, ",")
    ffi.C.SHA256(text, #text, digest)
    return (ngx.encode_base64(ffi.string(digest, 12)):gsub("%+", "-"):gsub("/", "_"))
end

-- Whether our router may have asked so. Whatever else is made up is for the storefront to refuse, and nobody's to keep.
local function by_a_router(var, given)
    local segment = var.http_next_router_segment_prefetch
    if segment and (#segment > LONGEST_SEGMENT or not segment:find("^/[%w/_.$@!%%()%[%]-]+$")) then return false end
    return given == busting(prefetch(var), segment, var.http_next_router_state_tree, var.http_next_url)
end

-- The origin of a stored answer is sent these and nothing else of the client's: what is in the key.
local variations = {
    { name = "country", sent = "sent_country", value = country },
    { name = "device", sent = "sent_device", value = device },
    { name = "encoding", sent = "sent_encoding", value = encoding },
    { name = "image_format", sent = "sent_accept", value = image_format },
    { name = "rsc", sent = "sent_rsc", value = rsc },
}

-- The query as the key has it: the parameters that count, sorted; all others never reach the origin. One given twice
-- stays twice: which of the two counts is for the origin to say. A country that has no answers of its own is as none. Nil: more than anybody means. And the value of `_rsc`.
local function normalised_query(known)
    local parts = {}
    local given, err = get_uri_args(MAXIMUM_ARGUMENTS)
    if err == "truncated" then return nil end
    for name, value in pairs(given) do
        if known[name] and name ~= BUSTING then
            local values = type(value) == "table" and value or { value }
            for _, single in ipairs(values) do
                if name ~= "country" or config.countries[single] then
                    parts[#parts + 1] = ngx.escape_uri(name) .. "=" .. (single == true and "" or ngx.escape_uri(single))
                end
            end
        end
    end
    sort(parts)
    return concat(parts, "&"), given[BUSTING] == true and "" or given[BUSTING]
end

local function bypassed(var)
    for _, name in ipairs(config.bypassing) do
        if var[name] then return true end
    end
    return false
end

local function header_text(value)
    return type(value) == "table" and concat(value, ", ") or value or ""
end

-- The directives of a Cache-Control, by name.
local function directives(value)
    local found = {}
    for name in header_text(value):lower():gmatch("[^,;%s=]+") do found[name] = true end
    return found
end

-- What `Connection` names, but for its own words: it was for this gateway alone (RFC 9110, 7.6.1).
local function hop_by_hop(connection)
    local names = {}
    for name in (connection or ""):lower():gmatch("[^,%s]+") do
        if not CONNECTION_WORDS[name] then names[#names + 1] = name end
    end
    return names
end

-- Takes it from an answer; says whether there was any.
local function shortened(var, header)
    local names = hop_by_hop(var.upstream_http_connection)
    for _, name in ipairs(names) do header[name] = nil end
    return names[1] ~= nil
end

-- An answer that nobody may keep, whoever asks: the origin forbids it, depends on what it isn't sent, or it has one of the
-- policy's headers. A no-cache of the policy itself is the browser's: the edge is told its own time beside it.
local function unkept(header)
    local said, shared = directives(header["Cache-Control"]), directives(header["CDN-Cache-Control"])
    if said["private"] or said["no-store"] or shared["private"] or shared["no-store"] or shared["no-cache"] then
        return true
    end
    if said["no-cache"] and not header["Cloudflare-CDN-Cache-Control"] then return true end
    for name in header_text(header["Vary"]):lower():gmatch("[^,%s]+") do
        if not TOLD_APART[name] then return true end
    end
    for _, name in ipairs(config.unkept_headers) do
        if header[name] then return true end
    end
    return false
end

-- Patterns are never compiled, nor is what calls them, so a hit must not need one: parsed records are kept, each worker's
-- own. Nobody changes what was read.
local parsed, parsed_kept = {}, 0
local function parse(text)
    local record = parsed[text]
    if not record then
        local state, version, sequence, fetched, strict_after, tags =
            text:match("^(%a+)\t([^\t]+)\t(%d+)\t([%d.]+)\t([%d.]+)\t(.*)$")
        record = {
            state = state, version = version, sequence = tonumber(sequence), fetched = tonumber(fetched),
            strict_after = tonumber(strict_after), tags = tags,
        }
        if parsed_kept >= PARSED_KEPT then parsed, parsed_kept = {}, 0 end
        if #text <= 512 then parsed[text], parsed_kept = record, parsed_kept + 1 end
    end
    return record
end

local function format(state, version, sequence, fetched, strict_after, tags)
    return concat({ state, version, sequence, ("%.3f"):format(fetched), ("%.3f"):format(strict_after), tags }, "\t")
end

-- Whether a purge reached a record after its fetch. What held after all marks so far needs no second look until there are
-- more: their number is read first, since it changes once a purge's marks stand.
local function overtaken(record)
    local marked = purges:get("#marked") or 0
    if record.held == marked then return false end
    if record.sequence < (purges:get("#floor") or 0) then return true end
    for tag in record.tags:gmatch("[^,%s]+") do
        if (purges:get("tag:" .. tag) or 0) > record.sequence then return true end
    end
    record.held = marked
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

-- What a browser may do with an answer, where its origin doesn't say (as pages do): nothing but show it.
local function secure(header)
    header["X-Content-Type-Options"] = "nosniff"
    if not header["Content-Security-Policy"] then header["Content-Security-Policy"] = config.content_security_policy end
end

-- Reads a request's body whole, within the time that one may take: nginx's own limit begins anew with every byte.
local function read_body(var)
    if not var.http_content_length and not var.http_transfer_encoding then return end
    local arrived = false
    local reading = spawn(function()
        ngx.req.read_body()
        arrived = true
    end)
    if arrived then return end
    local waiting = spawn(function() ngx.sleep(body_seconds) end)
    wait(reading, waiting)
    if not arrived then return ngx.exit(408) end
    kill(waiting)
end

-- Takes from a request what only a framework's own parts may say, and what was for this gateway alone.
function shield.cleaned()
    read_body(ngx.var)
    for _, name in ipairs(hop_by_hop(ngx.var.http_connection)) do clear_header(name) end
    for name in pairs(ngx.req.get_headers(0)) do
        for _, pattern in ipairs(INTERNAL_HEADERS) do
            if name:find(pattern) then clear_header(name) end
        end
    end
end

local function percent_encoded(character)
    return ("%%%02X"):format(character:byte())
end

-- Whether a path is written as nginx reads it. In another spelling (`//`, `/x/..`, `%2f`) it is one of our addresses to
-- nginx, and to the origin, which gets it as it is, another one: its answer is not that address's.
local function plainly_spelled(var)
    local written, path = var.request_uri, var.uri
    -- What can't be written otherwise has one escaped spelling, which browsers use.
    if written:find("%", 1, true) then path = path:gsub("[\128-\255 ]", percent_encoded) end
    local length = #path
    return written:sub(1, length) == path and (#written == length or written:byte(length + 1) == QUESTION_MARK)
end

-- The record of the version to serve under a key: a new one if there is none that still counts, whose fetch falls to this
-- request. It waits for another's fetch, so long as that may soon be there. And the number of the last purge before, and
-- the time.
local function version_of(key, route, path)
    local began, record, sequence, now = ngx.now(), nil, nil, nil
    while true do
        sequence, now = purges:get("#sequence") or 0, ngx.now()
        local found = records:get(key)
        record = found and parse(found)
        if not record or overtaken(record) then
            local version = ("%d-%.3f"):format(sequence, now)
            local fresh = format(PENDING, version, sequence, now, now + PENDING_LIFETIME, tags_of(route, path))
            local _, refusal = records[record and "set" or "add"](records, key, fresh, PENDING_LIFETIME)
            if refusal ~= "exists" then return parse(fresh), sequence, now end
            -- Another worker was quicker: its version is the one to wait for.
            record = parse(records:get(key) or fresh)
        end
        if record.state ~= PENDING or now - began >= WAIT then return record, sequence, now end
        ngx.sleep(math.min(LONGEST_PAUSE, SHORTEST_PAUSE + (now - began) / 4))
    end
end

-- Decides for a request of a public route: which key, which version; or past the cache altogether.
function shield.lookup()
    shield.bypass()
    local var = ngx.var
    read_body(var)
    local route = config.routes[var.route]
    if not plainly_spelled(var) then return ngx.exec("@" .. route.upstream .. "-private") end
    local query, given = "", nil
    if var.args then query, given = normalised_query(route.query) end
    if not query then
        return ngx.exec("@refused-400-api")
    end
    local sent = query
    if route.vary.rsc and var.http_rsc == "1" then
        if not by_a_router(var, given) then return ngx.exec("@" .. route.upstream .. "-private") end
        sent = concat({ query, BUSTING .. "=" .. busting(prefetch(var), var.http_next_router_segment_prefetch) },
            query ~= "" and "&" or "")
    end
    if sent ~= (var.args or "") then ngx.req.set_uri_args(sent) end
    -- Beside an entity tag a date means nothing (RFC 9110, 13.1.3 and 13.1.4), but nginx would ask for both; and it takes
    -- for long past what is no date.
    if var.http_if_none_match then clear_header("If-Modified-Since") end
    local unmodified = var.http_if_unmodified_since
    if unmodified and (var.http_if_match or not ngx.parse_http_time(unmodified)) then
        clear_header("If-Unmodified-Since")
    end
    -- A weak tag can't promise that parts belong together (RFC 9110, 13.1.5).
    if var.http_range and (var.http_if_range or ""):find("^W/") then clear_header("Range") end
    local parts = {}
    for index, variation in ipairs(variations) do
        local value, more = "", nil
        if route.vary[variation.name] then
            value, more = variation.value(var, route)
            var[variation.sent] = value
        end
        parts[index] = more and value .. more or value
    end
    -- Unambiguous: the parts above come from small sets, the query is escaped, and no host holds a slash.
    parts[#parts + 1] = query
    parts[#parts + 1] = var.host
    parts[#parts + 1] = var.uri
    local key = concat(parts, "|")

    local record, sequence, now = version_of(key, route, var.uri)
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

-- The status that the answer is stored with: a client's own 304 or 206 is made from it.
local function stored_status(var)
    local told = var.upstream_status
    if told then return tonumber(told:match("(%d+)$")) or ngx.status end
    return (ngx.status == 304 or ngx.status == 206) and 200 or ngx.status
end

-- Says (RFC 9211) what this cache did; `before` are the words of those behind it, where they have handled the request.
local function cache_status(header, own, before)
    before = header_text(before)
    header["Cache-Status"] = (before == "" and "" or before .. ", ") .. "gateway; " .. own
end

-- The headers without which nobody on the way may keep an answer.
local function forbid(header)
    header["Cloudflare-CDN-Cache-Control"] = nil
    header["Cache-Tag"] = nil
    local said = directives(header["Cache-Control"])
    if not said["private"] and not said["no-store"] then
        header["Cache-Control"] = "no-store"
    end
end

-- The names of both lists, each once.
local function united(first, second)
    local names, seen = {}, {}
    for name in (first .. "," .. second):gmatch("[^,%s]+") do
        if not seen[name:lower()] then names[#names + 1] = name end
        seen[name:lower()] = true
    end
    return concat(names, ", ")
end

-- The headers that the policy gives a route's answers where the origin isn't the API, which does so itself. What the
-- origin forbids stays forbidden.
local function label(route, path, status, header, banned)
    if not route.headers then return end
    local announced = header_text(header["Link"])
    local own = route.headers[tostring(status)]
    header["Cloudflare-CDN-Cache-Control"] = nil
    for name, value in pairs(own or route.headers.other) do
        if name == "Vary" then header[name] = united(value, header_text(header[name]))
        elseif not (banned and name == "Cache-Control") then header[name] = value end
    end
    -- What the page itself announces (fonts to preload) stays: the policy's likely next pages come after it.
    if announced ~= "" then
        header["Link"] = own and own["Link"] and announced .. ", " .. own["Link"] or announced
    end
    local tags = tags_of(route, path)
    if tags ~= "" then header["Cache-Tag"] = tags end
end

-- Public routes: remembers what the origin's answer is worth, and says where the answer comes from.
function shield.answered()
    local var, header = ngx.var, ngx.header
    secure(header)
    local route = config.routes[var.route]
    local cache, key = var.upstream_cache_status, var.shield_record
    if REFUSED_HERE[ngx.status] or not (cache or var.upstream_status) then
        -- nginx's own word: on a condition, a range, a request that isn't HTTP.
        forbid(header)
        header["Cache-Control"] = "no-store"
        var.cache_result = "refused"
        return cache_status(header, cache == "HIT" and "hit" or "fwd=request")
    end
    cache = cache or "BYPASS"
    local status, now = stored_status(var), ngx.now()
    local fresh = cache == "HIT"
    -- The data of a page that isn't there, or of a part that it doesn't have, is made up, and made up again.
    local no_data = var.sent_rsc == "1" and status ~= 200
    -- What the API serves past its time would have another whole life here.
    local stale_there = not fresh and header_text(header["Cache-Status"]):find("detail=stale", 1, true) ~= nil
    local banned = not fresh and (shortened(var, header) or unkept(header) or stale_there or no_data)
    if banned then var.unkept = "1" end
    label(route, var.uri, status, header, banned)
    -- The storefront gives a page one tag in whatever coding: as a strong one it would promise the same bytes.
    local tag = route.headers and header["Content-Encoding"] and header["ETag"]
    if tag and not tag:find("^W/") then header["ETag"] = "W/" .. tag end
    var.cache_result = cache:lower()
    if fresh or cache == "STALE" or cache == "UPDATING" then
        local age = math.max(0, math.floor(now - (tonumber(var.shield_fetched) or now)))
        -- A purge reaches what is stored here within milliseconds, so this is as good as the origin: an answer in its
        -- time is new to whoever is further out, who would else count its age here against the time that it has there.
        if not fresh then header["Age"] = age end
        -- A ttl below zero says that the answer is stale.
        cache_status(header, ("hit; ttl=%d"):format((route.ttl[tostring(status)] or 0) - age))
        if fresh then return end
    end

    local found = key ~= "" and records:get(key)
    local record = found and parse(found)
    local stored = false
    if record and record.version == var.shield_version then
        if cache == "MISS" or cache == "EXPIRED" then
            local sequence, lifetime = tonumber(var.shield_sequence), route.ttl[tostring(status)]
            local tags = tags_of(route, var.uri) .. "," .. header_text(header["Cache-Tag"])
            if no_data then
                records:delete(key)
            elseif banned then
                records:set(key, format(PASS, record.version, sequence, now, now, tags), PASS_LIFETIME)
            elseif lifetime then
                local stale = status < 400 and route.stale or NO_STALE
                stored = records:set(key,
                    format(STORED, record.version, sequence, now, now + lifetime + stale.revalidate, tags),
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
    if cache == "STALE" or cache == "UPDATING" then return end
    if stale_there then
        header["Age"] = var.upstream_http_age
    elseif banned then
        forbid(header)
    end
    local forwarded = FORWARDED[cache]
    cache_status(header, not forwarded and "fwd=bypass" or forwarded .. (stored and "; stored" or ""),
        header["Cache-Status"])
end

-- Everything else: whatever the origin says, nothing between it and the browser may keep the answer.
function shield.private()
    local var, header = ngx.var, ngx.header
    local said = directives(header["Cache-Control"])
    shortened(var, header)
    secure(header)
    if not said["private"] and not said["no-store"] then
        header["Cache-Control"] = "private, no-store"
    end
    forbid(header)
    if var.cache_result == "" then var.cache_result = "private" end
    cache_status(header, "fwd=bypass", header["Cache-Status"])
end

-- What nginx answers itself: a request that isn't HTTP, for another host, or more than the limits allow.
function shield.refused()
    local header = ngx.header
    secure(header)
    if ngx.var.too_long == "1" then header["Content-Type"] = "application/problem+json" end
    if ngx.status >= 400 then forbid(header) end
    cache_status(header, "fwd=request; detail=refused")
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
    purges:incr("#marked", 1, 0)
    purges:delete("#lock")

    metrics.count_purge(#marks)
    ngx.header["Content-Type"] = "application/json"
    ngx.say(cjson.encode({ sequence = sequence, marks = #marks, everything = everything }))
end

return shield
