-- The health of an MLRollout for whoever must not wait for weeks: healthy is what the operator has accepted and guards,
-- however far it has got. ../health.lua is for whoever waits for the end.
local status = obj.status or {}
if status.observedGeneration ~= obj.metadata.generation then
  return { status = "Progressing", message = "Waiting for the operator to see this generation" }
end

local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end

local stalled, ready, applied = conditions.Stalled, conditions.Ready, conditions.TrafficApplied
local message = ready and ready.message or "Waiting for the operator"
if stalled and stalled.status == "True" then
  return { status = "Degraded", message = stalled.message }
end
if applied and applied.status == "True" then
  return { status = "Healthy", message = message }
end
return { status = "Progressing", message = message }
