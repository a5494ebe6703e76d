"""`mlrollout doctor`: what rollouts depend on, looked at one by one."""
