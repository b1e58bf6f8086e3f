-- What the gateway did, in Prometheus's text format (https://prometheus.io/docs/instrumenting/exposition_formats/).

local metrics = {}

local counters = ngx.shared.counters
local DURATION_BUCKETS = { 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10 } -- s
local FLUSH_SECONDS = 0.2

-- What this worker has counted since it last told the others: one row for each kind of request, so that a request costs
-- one look-up; names and cumulated buckets are made when the rows are told.
local rows = {}

local function row_of(route, cache, status)
    local key = route .. "\t" .. cache .. "\t" .. status
    local row = rows[key]
    if not row then
        row = { route = route, cache = cache, status = status, requests = 0, bytes = 0, origin = 0, refreshes = 0,
            seconds = 0, buckets = {} }
        rows[key] = row
    end
    return row
end

-- Counts one finished request; a background refresh (a subrequest) counts only for what it took from the origin.
function metrics.count()
    local var = ngx.var
    local cache, route = var.cache_result, var.route
    local received = cache ~= "hit" and var.upstream_bytes_received -- a hit has none
    if route == "" then route = "other" end
    local row = row_of(route, cache == "" and "none" or cache, var.status)
    if received then row.origin = row.origin + (tonumber(received:match("(%d+)$")) or 0) end
    if ngx.is_subrequest then
        row.refreshes = row.refreshes + 1
        return
    end
    row.requests = row.requests + 1
    row.bytes = row.bytes + (tonumber(var.bytes_sent) or 0)
    local seconds = math.max(0, ngx.now() - ngx.req.start_time())
    row.seconds = row.seconds + seconds
    local bucket = 1
    while DURATION_BUCKETS[bucket] and seconds > DURATION_BUCKETS[bucket] do bucket = bucket + 1 end
    row.buckets[bucket] = (row.buckets[bucket] or 0) + 1
end

local function add(name, labels, amount)
    if amount > 0 then counters:incr(name .. "{" .. labels .. "}", amount, 0) end
end

-- Tells the other workers what this one has counted.
function metrics.flush()
    local told = rows
    rows = {}
    for _, row in pairs(told) do
        local route, cache = 'route="' .. row.route .. '"', 'cache="' .. row.cache .. '"'
        add("gateway_origin_bytes_total", route, row.origin)
        add("gateway_background_refreshes_total", route, row.refreshes)
        add("gateway_requests_total", route .. "," .. cache .. ',status="' .. row.status .. '"', row.requests)
        add("gateway_response_bytes_total", route .. "," .. cache, row.bytes)
        local running = 0
        for index, bound in ipairs(DURATION_BUCKETS) do
            running = running + (row.buckets[index] or 0)
            add("gateway_request_duration_seconds_bucket", ('%s,le="%g"'):format(cache, bound), running)
        end
        add("gateway_request_duration_seconds_bucket", cache .. ',le="+Inf"', row.requests)
        add("gateway_request_duration_seconds_sum", cache, row.seconds)
        add("gateway_request_duration_seconds_count", cache, row.requests)
    end
end

-- In each worker, at its start.
function metrics.start()
    assert(ngx.timer.every(FLUSH_SECONDS, metrics.flush))
end

function metrics.count_purge(marks)
    counters:incr("gateway_purges_total", 1, 0)
    counters:incr("gateway_purged_marks_total", marks, 0)
end

local families = {
    { "gateway_requests_total", "counter", "Requests by route of the cache policy, what the shield did, and status." },
    { "gateway_response_bytes_total", "counter", "Bytes sent to clients." },
    { "gateway_origin_bytes_total", "counter", "Bytes received from the API and the storefront." },
    { "gateway_background_refreshes_total", "counter", "Stale answers refreshed after serving them." },
    { "gateway_request_duration_seconds", "histogram", "Time to serve a request, by what the shield did." },
    { "gateway_purges_total", "counter", "Purge requests carried out." },
    { "gateway_purged_marks_total", "counter", "Tags and paths purged." },
}

function metrics.print()
    metrics.flush()
    local samples = {}
    for _, key in ipairs(counters:get_keys(0)) do
        local name = key:match("^[%w_]+")
        local family = name:gsub("_bucket$", ""):gsub("_sum$", ""):gsub("_count$", "")
        samples[family] = samples[family] or {}
        table.insert(samples[family], key .. " " .. counters:get(key))
    end
    ngx.header["Content-Type"] = "text/plain; version=0.0.4"
    for _, family in ipairs(families) do
        local name, kind, help = unpack(family)
        ngx.say("# HELP ", name, " ", help, "\n# TYPE ", name, " ", kind)
        if samples[name] then
            table.sort(samples[name])
            ngx.say(table.concat(samples[name], "\n"))
        end
    end
    local var = ngx.var
    ngx.say("# HELP gateway_connections Client connections by state.\n# TYPE gateway_connections gauge")
    for _, state in ipairs({ "active", "reading", "writing", "waiting" }) do
        ngx.say('gateway_connections{state="', state, '"} ', var["connections_" .. state])
    end
    ngx.say("# HELP gateway_memory_free_bytes Free memory of the shield's tables.\n# TYPE gateway_memory_free_bytes gauge")
    for _, dictionary in ipairs({ "purges", "records", "counters" }) do
        ngx.say('gateway_memory_free_bytes{table="', dictionary, '"} ', ngx.shared[dictionary]:free_space())
    end
end

return metrics
