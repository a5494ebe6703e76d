-- Health of an MLRollout for Argo CD. It follows kstatus, but for a rollout that waits for a person, which is Suspended.
local health = { status = "Progressing", message = "Waiting for the operator to see this generation" }
local status = obj.status or {}
if status.observedGeneration ~= obj.metadata.generation then
  return health
end

local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end

local stalled, ready = conditions.Stalled, conditions.Ready
if stalled and stalled.status == "True" then
  return { status = "Degraded", message = stalled.message }
end
if ready then
  health.message = ready.message
  if ready.status == "True" then
    health.status = "Healthy"
  elseif ready.reason == "Paused" or ready.reason == "AwaitingApproval" then
    health.status = "Suspended"
  end
end
return health
