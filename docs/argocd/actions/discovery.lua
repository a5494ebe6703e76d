-- Which verbs the operator would hear now: those that it would refuse are disabled.
local status = obj.status or {}
local record, progress = status.record or {}, status.progress or {}
local waits = ""
for _, condition in ipairs(status.conditions or {}) do
  if condition.type == "Ready" then
    waits = condition.reason
  end
end
local begun = record.attempt ~= nil
local rolledBack = record.latched == true
local paused = progress.paused == true
local underWay = status.stage ~= nil and not rolledBack and progress.completed ~= true

local actions = {}
actions["rollback"] = { ["disabled"] = rolledBack }
actions["pause"] = { ["disabled"] = paused or not begun }
actions["resume"] = { ["disabled"] = not paused or obj.spec.paused == true }
actions["approve"] = { ["disabled"] = waits ~= "AwaitingApproval" }
actions["promote"] = { ["disabled"] = not underWay }
actions["retry"] = { ["disabled"] = not rolledBack }
return actions
