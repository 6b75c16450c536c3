/**
 * The HTTP port: GET /health (JSON; 503 when troubled) and GET /metrics (Prometheus text) for programs, and the pages
 * that another room makes for people. Read-only, on loopback unless configured otherwise. Mail flows without it.
 */
export { openHttpServer, type HttpServer, type HttpOptions, type HttpAccess } from './http-server.ts';
export { createHealth, type HealthOptions } from './health.ts';
