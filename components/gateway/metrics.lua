-- What the gateway did, in Prometheus's text format (https://prometheus.io/docs/instrumenting/exposition_formats/).

local metrics = {}

local counters = ngx.shared.counters
local DURATION_BUCKETS = { 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10 } -- s

local function add(name, labels, amount)
    counters:incr(name .. "{" .. labels .. "}", amount, 0)
end

-- Counts one finished request; a background refresh (a subrequest) counts only for what it took from the origin.
function metrics.count()
    local var = ngx.var
    local route = var.route
    local from_origin = tonumber((var.upstream_bytes_received or ""):match("(%d+)$")) or 0
    if from_origin > 0 then add("gateway_origin_bytes_total", 'route="' .. route .. '"', from_origin) end
    if ngx.is_subrequest then
        add("gateway_background_refreshes_total", 'route="' .. route .. '"', 1)
        return
    end
    local cache = var.cache_result == "" and "none" or var.cache_result
    local labels = ('route="%s",cache="%s"'):format(route, cache)
    add("gateway_requests_total", ('%s,status="%s"'):format(labels, var.status), 1)
    add("gateway_response_bytes_total", labels, tonumber(var.bytes_sent) or 0)
    local seconds = tonumber(var.request_time) or 0
    for _, bound in ipairs(DURATION_BUCKETS) do
        if seconds <= bound then
            add("gateway_request_duration_seconds_bucket", ('cache="%s",le="%g"'):format(cache, bound), 1)
        end
    end
    add("gateway_request_duration_seconds_bucket", ('cache="%s",le="+Inf"'):format(cache), 1)
    add("gateway_request_duration_seconds_sum", ('cache="%s"'):format(cache), seconds)
    add("gateway_request_duration_seconds_count", ('cache="%s"'):format(cache), 1)
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
