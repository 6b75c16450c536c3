/** A variable as a switch: set, and neither empty nor 0. */
export function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== '0';
}
