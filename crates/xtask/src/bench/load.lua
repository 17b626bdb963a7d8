-- The load that wrk puts on a server: one prepared request per path, chosen at random.
-- Arguments: the method, a file with one path per line, a token, and a JSON body for writes.

local threads = 0

function setup(thread)
   threads = threads + 1
   thread:set("number", threads)
end

function init(args)
   local method, file, token, body = args[1], args[2], args[3], args[4]
   local headers = { ["Authorization"] = "Bearer " .. token }
   if body then
      headers["Content-Type"] = "application/json"
   end
   prepared = {}
   for path in io.lines(file) do
      prepared[#prepared + 1] = wrk.format(method, path, headers, body)
   end
   math.randomseed(number * 7919)
end

function request()
   return prepared[math.random(#prepared)]
end

-- There is no function for each response, because it would slow wrk down: wrk counts by itself the
-- answers of 400 and more, and none of the requests can be answered by a redirection.
function done(summary, latency)
   local errors = summary.errors
   io.write(string.format("measured %d %d %d %d %d %d\n",
      summary.requests, summary.duration,
      latency:percentile(50), latency:percentile(99),
      errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
