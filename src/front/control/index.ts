/**
 * The operator's way to a running gateway: Operations over a Unix socket in the state folder.
 * Only whoever may enter the folder may speak. It never decides anything about mail.
 */
export { openControlServer, type ControlServer } from './server.ts';
export { findRunning } from './client.ts';
