/**
 * The door of `devices`: printers, scanners, UPSes and cameras that can neither log in nor speak today's TLS. Takes the
 * rules of the file `devices` and an Intake; gives an Intake and an Admission for their listener, and a report of each.
 * RFC 5321 with what such clients get wrong forgiven; RFC 5322, 2047 and 2045 for what their messages lack.
 * It must never let in an address that no device has, nor send on what a device may not.
 */
export { openDeviceDesk, restingReport, type DeviceDesk, type DeviceDeskOptions, type DeviceSettings } from './desk.ts';
