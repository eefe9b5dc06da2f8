DROP TABLE heartbeat_runs;
DROP TABLE heartbeats;
