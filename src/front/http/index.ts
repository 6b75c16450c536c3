/**
 * What a monitoring system looks at: GET /health (JSON; 503 when troubled) and GET /metrics (Prometheus text).
 * Read-only, on a loopback port unless configured otherwise. Mail flows without it.
 */
export { openHealthServer, type HealthServer, type HealthOptions } from './health-server.ts';
