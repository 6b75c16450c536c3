/** Old devices: their desk before the intake, as the configuration has them at each moment. */
import type { Configuration } from '../../configuration.ts';
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import type { DeviceReport } from '../../core/operations.ts';
import type { Kernels } from '../../core/kernels.ts';
import { openDeviceDesk, restingReport, type DeviceDesk, type DeviceDeskOptions, type DeviceSettings } from '../../flow/devices/index.ts';

export interface Devices extends Omit<DeviceDesk, 'use'> {
  reload(): void;
}

export async function openDevices(configuration: () => Configuration, rooms: { readonly intake: DeviceDeskOptions['intake']; readonly kernels: Kernels; readonly clock: Clock; readonly log: Log }): Promise<Devices> {
  const desk = await openDeviceDesk({ ...rooms, folder: configuration().stateFolder, settings: settingsOf(configuration()) });
  return { ...desk, reload: () => desk.use(settingsOf(configuration())) };
}

export function restingDevices({ devices, stateFolder }: Configuration, clock: Clock): Promise<DeviceReport> {
  return restingReport(devices, stateFolder, () => clock.now());
}

function settingsOf({ devices, listeners, names }: Configuration): DeviceSettings {
  return { rules: devices, defaultDomain: names.defaultDomain, sizeOctets: listeners.find(({ name }) => name === 'esmtpd-devices')?.sizeOctets ?? 0 };
}
