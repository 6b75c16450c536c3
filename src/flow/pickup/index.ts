/**
 * The folder where sendmail(1) leaves mail when it cannot reach the gateway: because none runs, or because its caller may
 * not speak to it. Takes a folder and somebody who takes messages in; the file's owner is the sender's account, whatever
 * the file says. Each message is taken in once, though the gateway dies in the middle. Never follows a link, never reads a file that has another name, never throws mail away that can be read.
 */
export { openPickup, type LeftMessage, type Pickup, type PickupOptions } from './pickup.ts';
