export { bucket, group } from "./src/bucket.js";
export { Rollout } from "./src/rollout.js";
