/**
 * Alarms: looks at the queue now and then, and says in the log when it is too long, too old, damaged, or short of room, and
 * when that is over. Decides nothing about mail.
 */
export { openAlarms, type Alarms, type AlarmsOptions } from './alarms.ts';
