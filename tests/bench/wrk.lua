-- wrk -s wrk.lua URL -- METHOD TARGETS [BODIES]
--
-- Asks for the lines of the file TARGETS in turns, with those of BODIES, JSON each. The requests are made
-- before the load begins. Ends with a line: requests, microseconds, faults, median and 99 % of the
-- latency in microseconds.

local requests = {}
local last = 0

local function lines_of(path)
  local lines = {}
  for line in io.lines(path) do lines[#lines + 1] = line end
  return lines
end

function init(args)
  local method = args[1]
  local targets = lines_of(args[2])
  local bodies = args[3] and lines_of(args[3]) or {}
  if args[3] then wrk.headers["Content-Type"] = "application/json" end
  for i = 1, math.max(#targets, #bodies) do
    local body = args[3] and bodies[(i - 1) % #bodies + 1] or nil
    requests[i] = wrk.format(method, targets[(i - 1) % #targets + 1], wrk.headers, body)
  end
end

function request()
  last = last % #requests + 1
  return requests[last]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format("RESULT %d %d %d %d %d\n", summary.requests, summary.duration,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
